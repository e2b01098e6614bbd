import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { getApproval, type GetApprovalReply, type GetApprovalRequest } from '@signalbox/shared/contracts/execution/get-approval.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { ApprovalFinder } from './approval-finder.ts';
import { approvalDetail } from './approval-view.ts';

@Controller()
export class GetApprovalHandler {
  constructor(private readonly finder: ApprovalFinder) {}

  @Handles(getApproval)
  handle(@Payload() { approval }: GetApprovalRequest, @FromCaller() caller: Caller): Promise<GetApprovalReply> {
    return this.finder.view(caller.workspace, approval, (place, { state, facts }) => approvalDetail(state, place, facts, caller));
  }
}
