import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { listApprovals, type ListApprovalsReply, type ListApprovalsRequest } from '@signalbox/shared/contracts/execution/list-approvals.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { ApprovalStore } from './approval.store.ts';

@Controller()
export class ListApprovalsHandler {
  constructor(private readonly store: ApprovalStore) {}

  @Handles(listApprovals)
  handle(@Payload() request: ListApprovalsRequest, @FromCaller() caller: Caller): Promise<ListApprovalsReply> {
    return this.store.list(caller, request);
  }
}
