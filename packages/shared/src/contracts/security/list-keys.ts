import { Type } from 'class-transformer';
import { IsArray, IsIn, IsOptional, IsString, Matches, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { PageRequest } from '../../bus/page.ts';
import { Key } from './key.ts';
import { principalPattern } from './principal.ts';

export const keyStates = ['live', 'expired', 'revoked'] as const;
export type KeyState = (typeof keyStates)[number];

export class ListKeysRequest extends PageRequest {
  @IsOptional() @Matches(principalPattern) principal?: string;
  @IsOptional() @IsIn(keyStates) state?: KeyState;
}

export class ListKeysReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => Key) data!: Key[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** The workspace's keys, the newest first; `q` looks into their names. */
export const listKeys = defineContract({
  subject: 'sb.security.key.list',
  request: ListKeysRequest,
  reply: ListKeysReply,
  permission: 'keys:read',
  callers: ['api-gateway'],
  timeoutMs: 2_000,
  maxBytes: 4_096,
  idempotent: true,
});
