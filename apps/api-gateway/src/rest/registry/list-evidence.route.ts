import { Controller, Get, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { listEvidence, type ListEvidenceReply, ListEvidenceRequest } from '@signalbox/shared/contracts/registry/list-evidence.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { Flag } from '../../platform/flag.ts';

class ListEvidenceQuery extends ListEvidenceRequest {
  @Flag() override expired?: boolean;
}

@Controller('api/v1/evidence')
export class ListEvidenceRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listEvidence, { summary: 'List the evidence for an agent, the newest first', query: ListEvidenceQuery })
  handle(@Query() query: ListEvidenceQuery, @FromCaller() caller: Caller): Promise<ListEvidenceReply> {
    return this.bus.request(listEvidence, { ...query }, caller);
  }
}
