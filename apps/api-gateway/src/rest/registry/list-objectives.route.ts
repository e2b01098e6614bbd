import { Controller, Get, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { listObjectives, ListObjectivesRequest, type ListObjectivesReply } from '@signalbox/shared/contracts/registry/list-objectives.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/objectives')
export class ListObjectivesRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listObjectives, { summary: 'List objectives by name', query: ListObjectivesRequest })
  handle(@Query() query: ListObjectivesRequest, @FromCaller() caller: Caller): Promise<ListObjectivesReply> {
    return this.bus.request(listObjectives, { ...query }, caller);
  }
}
