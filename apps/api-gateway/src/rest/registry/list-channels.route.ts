import { Controller, Get, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { PageRequest } from '@signalbox/shared/bus/page.js';
import { listChannels, type ListChannelsReply } from '@signalbox/shared/contracts/registry/list-channels.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/channels')
export class ListChannelsRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listChannels, { summary: 'List channels by name', query: PageRequest })
  handle(@Query() query: PageRequest, @FromCaller() caller: Caller): Promise<ListChannelsReply> {
    return this.bus.request(listChannels, { ...query }, caller);
  }
}
