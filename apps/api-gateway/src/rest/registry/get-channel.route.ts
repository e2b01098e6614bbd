import { Controller, Get, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { getChannel, type GetChannelReply } from '@signalbox/shared/contracts/registry/get-channel.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/channels')
export class GetChannelRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':name')
  @Operation(getChannel, { summary: 'One channel with its manifest' })
  handle(@Param('name') name: string, @FromCaller() caller: Caller): Promise<GetChannelReply> {
    return this.bus.request(getChannel, { name }, caller);
  }
}
