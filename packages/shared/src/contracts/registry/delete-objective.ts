import { Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';

export class DeleteObjectiveRequest {
  @Matches(namePattern) name!: string;
}

export class DeleteObjectiveReply {
  @Matches(namePattern) name!: string;
}

/** Takes an objective away; what the product promises counts again. */
export const deleteObjective = defineContract({
  subject: 'sb.registry.objective.delete',
  request: DeleteObjectiveRequest,
  reply: DeleteObjectiveReply,
  permission: 'kpis:write',
  callers: ['api-gateway'],
  timeoutMs: 3_000,
  maxBytes: 1_024,
  idempotent: false,
  errors: ['not_found'],
});
