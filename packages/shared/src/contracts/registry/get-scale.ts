import { Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { AgentScaleDetail } from './scale.ts';

export class GetScaleRequest {
  @Matches(namePattern) agent!: string;
}

/** How the pool of one agent stands and why. `conflict`: it has no `worker.autoscale`; `unavailable`: nobody could say what waits. */
export const getScale = defineContract({
  subject: 'sb.registry.scale.get',
  request: GetScaleRequest,
  reply: AgentScaleDetail,
  permission: 'agents:read',
  callers: ['api-gateway'],
  timeoutMs: 8_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found', 'conflict'],
});
