import { Controller, Get, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { listArtifacts, ListArtifactsRequest, type ListArtifactsReply } from '@signalbox/shared/contracts/context/list-artifacts.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/artifacts')
export class ListArtifactsRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listArtifacts, { summary: 'List artifacts, the newest first', query: ListArtifactsRequest })
  handle(@Query() query: ListArtifactsRequest, @FromCaller() caller: Caller): Promise<ListArtifactsReply> {
    return this.bus.request(listArtifacts, query, caller);
  }
}
