import { Type } from 'class-transformer';
import { IsArray, IsOptional, IsString, Matches, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { PageRequest } from '../../bus/page.ts';
import { namePattern } from '../../ids/ids.ts';
import { Isolation } from './isolation.ts';

export class ListIsolationsRequest extends PageRequest {
  @IsOptional() @Matches(namePattern) agent?: string;
}

export class ListIsolationsReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => Isolation) data!: Isolation[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** What is kept out of routing, by agent and instance. */
export const listIsolations = defineContract({
  subject: 'sb.registry.isolation.list',
  request: ListIsolationsRequest,
  reply: ListIsolationsReply,
  permission: 'agents:read',
  callers: ['api-gateway'],
  timeoutMs: 2_000,
  maxBytes: 4_096,
  idempotent: true,
});
