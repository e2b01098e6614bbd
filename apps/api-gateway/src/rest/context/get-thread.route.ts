import { Controller, Get, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { getThread, type GetThreadReply } from '@signalbox/shared/contracts/context/get-thread.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { requireThreadId } from './thread-id.ts';

@Controller('api/v1/threads')
export class GetThreadRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':id')
  @Operation(getThread, { summary: 'A conversation without its messages' })
  handle(@Param('id') id: string, @FromCaller() caller: Caller): Promise<GetThreadReply> {
    return this.bus.request(getThread, { thread: requireThreadId(id) }, caller);
  }
}
