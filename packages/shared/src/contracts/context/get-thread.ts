import { Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';
import { Thread } from './thread.ts';

export class GetThreadRequest {
  @Matches(idPattern('thread')) thread!: string;
}

export class GetThreadReply extends Thread {}

/** One conversation without its messages. */
export const getThread = defineContract({
  subject: 'sb.context.thread.get',
  request: GetThreadRequest,
  reply: GetThreadReply,
  permission: 'threads:read',
  callers: ['api-gateway', 'execution', 'protocol', 'mcp-server'],
  timeoutMs: 2_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
