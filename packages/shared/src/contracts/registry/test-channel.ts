import { IsInt, Matches, Min } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';

export class TestChannelRequest {
  @Matches(namePattern) name!: string;
}

export class TestChannelReply {
  @Matches(namePattern) name!: string;
  /** How long the receiver took to take it. */
  @IsInt() @Min(0) tookMs!: number;
}

/** Sends a message that says it is a test, now and once; `unavailable`, with why, when it was not taken. A paused channel sends again after it. */
export const testChannel = defineContract({
  subject: 'sb.registry.channel.test',
  request: TestChannelRequest,
  reply: TestChannelReply,
  permission: 'notifications:write',
  callers: ['api-gateway'],
  timeoutMs: 30_000,
  maxBytes: 1_024,
  idempotent: false,
  errors: ['not_found'],
});
