import { Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { TriggerDetail } from './trigger-view.ts';

export class GetTriggerRequest {
  @Matches(namePattern) name!: string;
}

export class GetTriggerReply extends TriggerDetail {}

/** One trigger with its manifest. */
export const getTrigger = defineContract({
  subject: 'sb.execution.trigger.get',
  request: GetTriggerRequest,
  reply: GetTriggerReply,
  permission: 'schedules:read',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
