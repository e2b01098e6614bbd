import { Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { Drift } from './drift.ts';

export class GetDriftRequest {
  @Matches(namePattern) name!: string;
}

/** Where a deployment is not as its manifest wants it: from what is known now, nothing is asked for it. */
export const getDrift = defineContract({
  subject: 'sb.registry.drift.get',
  request: GetDriftRequest,
  reply: Drift,
  permission: 'deployments:read',
  callers: ['api-gateway'],
  timeoutMs: 3_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
