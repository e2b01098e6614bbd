import { Controller, Param, Post } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { testChannel, type TestChannelReply } from '@signalbox/shared/contracts/registry/test-channel.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/channels')
export class TestChannelRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':name/test')
  @Operation(testChannel, {
    summary: 'Send a message to a channel that says it is a test',
    description: 'Answers when the receiver has taken it, or why it was not taken. A channel that was paused sends again after it.',
    status: 200,
  })
  handle(@Param('name') name: string, @FromCaller() caller: Caller): Promise<TestChannelReply> {
    return this.bus.request(testChannel, { name }, caller);
  }
}
