import { Type } from 'class-transformer';
import { IsArray, IsOptional, IsString, MaxLength, ValidateNested } from 'class-validator';
import { defineContract, serviceNames } from '../../bus/contract.ts';
import { Revocation } from './credential-revoked.ts';

export class ListRevocationsRequest {
  /** `cursor` of the reply before; absent: all that can still matter to somebody who has just started. */
  @IsOptional() @IsString() @MaxLength(64) cursor?: string;
}

export class ListRevocationsReply {
  /** May repeat some of the reply before: what was committed late must not be missed. */
  @IsArray() @ValidateNested({ each: true }) @Type(() => Revocation) data!: Revocation[];
  @IsString() cursor!: string;
}

/** What was revoked since, for services that did not hear the event. */
export const listRevocations = defineContract({
  subject: 'sb.security.revocation.list',
  request: ListRevocationsRequest,
  reply: ListRevocationsReply,
  permission: 'none',
  callers: serviceNames,
  timeoutMs: 1_500,
  maxBytes: 256,
  idempotent: true,
  identity: 'service',
});
