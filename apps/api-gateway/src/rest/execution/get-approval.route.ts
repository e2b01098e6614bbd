import { Controller, Get, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { getApproval, type GetApprovalReply } from '@signalbox/shared/contracts/execution/get-approval.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { requireApprovalId } from './approval-id.ts';

@Controller('api/v1/approvals')
export class GetApprovalRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':id')
  @Operation(getApproval, { summary: 'One approval with its form and what is shown' })
  handle(@Param('id') id: string, @FromCaller() caller: Caller): Promise<GetApprovalReply> {
    return this.bus.request(getApproval, { approval: requireApprovalId(id) }, caller);
  }
}
