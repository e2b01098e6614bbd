import { Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';

export class DeleteTriggerRequest {
  @Matches(namePattern) name!: string;
}

export class DeleteTriggerReply {}

/** Takes a trigger and its history away. Its runs go on and stay. */
export const deleteTrigger = defineContract({
  subject: 'sb.execution.trigger.delete',
  request: DeleteTriggerRequest,
  reply: DeleteTriggerReply,
  permission: 'schedules:write',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
