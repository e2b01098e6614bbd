import { Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';

export class DeleteGateRequest {
  @Matches(namePattern) name!: string;
}

export class DeleteGateReply {
  @Matches(namePattern) name!: string;
}

/** Takes a gate away; a built-in one that it stood in for is there again. `conflict` for a built-in one. */
export const deleteGate = defineContract({
  subject: 'sb.registry.gate.delete',
  request: DeleteGateRequest,
  reply: DeleteGateReply,
  permission: 'gates:write',
  callers: ['api-gateway'],
  timeoutMs: 3_000,
  maxBytes: 1_024,
  idempotent: false,
  errors: ['not_found', 'conflict'],
});
