import { Controller, Get, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { listAudit, ListAuditRequest, type ListAuditReply } from '@signalbox/shared/contracts/security/list-audit.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/audit')
export class ListAuditRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listAudit, { summary: 'Who did what, the newest first', query: ListAuditRequest })
  handle(@Query() query: ListAuditRequest, @FromCaller() caller: Caller): Promise<ListAuditReply> {
    return this.bus.request(listAudit, query, caller);
  }
}
