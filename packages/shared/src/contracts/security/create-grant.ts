import { IsString, Matches, MaxLength } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';

export class CreateGrantRequest {
  /** What the grant is for, as `run run_01…`: it stands in the audit. */
  @IsString() @MaxLength(200) purpose!: string;
}

export class CreateGrantReply {
  @Matches(/^grant_/) grant!: string;
}

/**
 * Lets the asking service act as the caller later, with the caller's rights at that time: it is stored with a run or a deployment and traded
 * for an identity when needed.
 */
export const createGrant = defineContract({
  subject: 'sb.security.grant.create',
  request: CreateGrantRequest,
  reply: CreateGrantReply,
  permission: 'grants:write',
  callers: ['registry', 'execution', 'mcp-server', 'protocol'],
  timeoutMs: 2_000,
  maxBytes: 1_024,
  idempotent: false,
  // What is done with it is held to the same.
  inMirror: true,
});
