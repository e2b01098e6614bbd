import { IsInt, IsOptional, Min } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { StateAddress } from './state.ts';

export class DeleteStateRequest extends StateAddress {
  /** The version last seen; absent: whatever is there. */
  @IsOptional() @IsInt() @Min(1) expectedVersion?: number;
}

export class DeleteStateReply {
  /** The deletion's own version: a later write has the next. */
  @IsInt() @Min(1) version!: number;
}

/** Takes one key away; its versions stay for as long as others do. */
export const deleteState = defineContract({
  subject: 'sb.context.state.delete',
  request: DeleteStateRequest,
  reply: DeleteStateReply,
  permission: 'state:write',
  callers: ['api-gateway', 'execution', 'protocol', 'mcp-server'],
  timeoutMs: 2_000,
  maxBytes: 1_024,
  idempotent: false,
  errors: ['conflict', 'not_found'],
});
