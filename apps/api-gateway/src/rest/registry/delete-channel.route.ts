import { Controller, Delete, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { deleteChannel, type DeleteChannelReply } from '@signalbox/shared/contracts/registry/delete-channel.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/channels')
export class DeleteChannelRoute {
  constructor(private readonly bus: Bus) {}

  @Delete(':name')
  @Operation(deleteChannel, { summary: 'Take a channel away, with what waits for it' })
  handle(@Param('name') name: string, @FromCaller() caller: Caller): Promise<DeleteChannelReply> {
    return this.bus.request(deleteChannel, { name }, caller);
  }
}
