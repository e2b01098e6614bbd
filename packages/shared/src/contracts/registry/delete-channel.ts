import { Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';

export class DeleteChannelRequest {
  @Matches(namePattern) name!: string;
}

export class DeleteChannelReply {
  @Matches(namePattern) name!: string;
}

/** Takes a channel away, with what waits for it. `conflict` while a rule names it. */
export const deleteChannel = defineContract({
  subject: 'sb.registry.channel.delete',
  request: DeleteChannelRequest,
  reply: DeleteChannelReply,
  permission: 'channels:write',
  callers: ['api-gateway'],
  timeoutMs: 3_000,
  maxBytes: 1_024,
  idempotent: false,
  errors: ['not_found', 'conflict'],
});
