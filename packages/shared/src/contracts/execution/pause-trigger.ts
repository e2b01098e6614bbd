import { IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { TriggerView } from './trigger-view.ts';

export class PauseTriggerRequest {
  @Matches(namePattern) name!: string;

  /** Why, for those who find it paused. */
  @IsOptional() @IsString() @MaxLength(500) reason?: string;
}

export class PauseTriggerReply extends TriggerView {}

/** Starts nothing more until it is resumed: hooks are refused, ends of runs passed over. Its runs go on. */
export const pauseTrigger = defineContract({
  subject: 'sb.execution.trigger.pause',
  request: PauseTriggerRequest,
  reply: PauseTriggerReply,
  permission: 'schedules:write',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 4_096,
  idempotent: true,
  errors: ['not_found'],
});
