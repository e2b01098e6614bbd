import { Body, Controller, Param, Post } from '@nestjs/common';
import { IsIn, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { Opaque } from '@signalbox/shared/bus/opaque.js';
import { appendMessage, type AppendMessageReply } from '@signalbox/shared/contracts/context/append-message.js';
import { messageRoles, type MessageRole } from '@signalbox/shared/contracts/context/thread.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { idPattern } from '@signalbox/shared/ids/ids.js';
import { IdempotencyKey } from '../../platform/idempotency-key.ts';
import { Operation } from '../../platform/operation.ts';
import { requireThreadId } from './thread-id.ts';

class AppendMessageBody {
  @IsIn(messageRoles) role!: MessageRole;
  /** Text, or parts as the OpenAI API has them; at most 256 KiB as JSON. */
  @IsOptional() @Opaque() content: unknown;
  /** Who speaks, where that is not the caller. */
  @IsOptional() @IsString() @MaxLength(128) name?: string;
  @IsOptional() @Matches(idPattern('run')) run?: string;
}

@Controller('api/v1/threads')
export class AppendMessageRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':id/messages')
  @Operation(appendMessage, { summary: 'Add a message to a conversation', body: AppendMessageBody, status: 201 })
  handle(
    @Param('id') id: string,
    @Body() body: AppendMessageBody,
    @IdempotencyKey() idempotencyKey: string | undefined,
    @FromCaller() caller: Caller,
  ): Promise<AppendMessageReply> {
    const request = { thread: requireThreadId(id), ...body, ...(idempotencyKey !== undefined && { idempotencyKey }) };
    return this.bus.request(appendMessage, request, caller);
  }
}
