import { Type } from 'class-transformer';
import { IsArray, IsOptional, IsString, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { PageRequest } from '../../bus/page.ts';
import { Secret } from './secret.ts';

export class ListSecretsRequest extends PageRequest {}

export class ListSecretsReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => Secret) data!: Secret[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** The workspace's secrets without their values, by name; `q` looks into names and descriptions. */
export const listSecrets = defineContract({
  subject: 'sb.security.secret.list',
  request: ListSecretsRequest,
  reply: ListSecretsReply,
  permission: 'secrets:read',
  callers: ['api-gateway'],
  timeoutMs: 2_000,
  maxBytes: 4_096,
  idempotent: true,
});
