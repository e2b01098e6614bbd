import { Controller, Get, Param, Query } from '@nestjs/common';
import { IsIn, IsOptional } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { PageRequest } from '@signalbox/shared/bus/page.js';
import { listMessages, type ListMessagesReply } from '@signalbox/shared/contracts/context/list-messages.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { requireThreadId } from './thread-id.ts';

class ListMessagesQuery extends PageRequest {
  /** `asc` if absent: the first message first. */
  @IsOptional() @IsIn(['asc', 'desc']) order?: 'asc' | 'desc';
}

@Controller('api/v1/threads')
export class ListMessagesRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':id/messages')
  @Operation(listMessages, {
    summary: 'The messages of a conversation in their order',
    description: 'A page ends early where its messages are large.',
    query: ListMessagesQuery,
  })
  handle(@Param('id') id: string, @Query() query: ListMessagesQuery, @FromCaller() caller: Caller): Promise<ListMessagesReply> {
    return this.bus.request(listMessages, { thread: requireThreadId(id), ...query }, caller);
  }
}
