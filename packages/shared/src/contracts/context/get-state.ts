import { IsInt, IsOptional, Min } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { StateAddress, StateEntry } from './state.ts';

export class GetStateRequest extends StateAddress {
  /** An earlier version, while it is kept; absent: the current one. */
  @IsOptional() @IsInt() @Min(1) version?: number;
}

export class GetStateReply extends StateEntry {}

/** One key of shared state. */
export const getState = defineContract({
  subject: 'sb.context.state.get',
  request: GetStateRequest,
  reply: GetStateReply,
  permission: 'state:read',
  callers: ['api-gateway', 'execution', 'protocol', 'mcp-server'],
  timeoutMs: 2_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
