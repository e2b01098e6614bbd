import { Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { TriggerView } from './trigger-view.ts';

export class ResumeTriggerRequest {
  @Matches(namePattern) name!: string;
}

export class ResumeTriggerReply extends TriggerView {}

/** Lets a paused trigger go on with what happens from now on. */
export const resumeTrigger = defineContract({
  subject: 'sb.execution.trigger.resume',
  request: ResumeTriggerRequest,
  reply: ResumeTriggerReply,
  permission: 'schedules:write',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
