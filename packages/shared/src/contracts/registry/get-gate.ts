import { IsObject, Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { namePattern } from '../../ids/ids.ts';
import { Gate } from './gate.ts';

export class GetGateRequest {
  @Matches(namePattern) name!: string;
}

export class GetGateReply extends Gate {
  @IsObject() @Opaque() manifest!: Record<string, unknown>;
}

/** One gate with its manifest. */
export const getGate = defineContract({
  subject: 'sb.registry.gate.get',
  request: GetGateRequest,
  reply: GetGateReply,
  permission: 'gates:read',
  callers: ['api-gateway'],
  timeoutMs: 2_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
