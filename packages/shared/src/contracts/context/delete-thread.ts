import { Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';

export class DeleteThreadRequest {
  @Matches(idPattern('thread')) thread!: string;
}

export class DeleteThreadReply {}

/** Takes a conversation and its messages away. */
export const deleteThread = defineContract({
  subject: 'sb.context.thread.delete',
  request: DeleteThreadRequest,
  reply: DeleteThreadReply,
  permission: 'threads:write',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
