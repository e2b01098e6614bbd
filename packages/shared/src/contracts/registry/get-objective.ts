import { IsObject, Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { namePattern } from '../../ids/ids.ts';
import { Objective } from './objective.ts';

export class GetObjectiveRequest {
  @Matches(namePattern) name!: string;
}

export class GetObjectiveReply extends Objective {
  @IsObject() @Opaque() manifest!: Record<string, unknown>;
}

/** One objective with its manifest. */
export const getObjective = defineContract({
  subject: 'sb.registry.objective.get',
  request: GetObjectiveRequest,
  reply: GetObjectiveReply,
  permission: 'kpis:read',
  callers: ['api-gateway'],
  timeoutMs: 2_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
