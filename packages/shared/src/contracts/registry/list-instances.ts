import { Type } from 'class-transformer';
import { IsArray, IsIn, IsOptional, IsString, Matches, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { PageRequest } from '../../bus/page.ts';
import { namePattern } from '../../ids/ids.ts';
import { Instance, instanceStatuses, type InstanceStatus } from './instance.ts';

export class ListInstancesRequest extends PageRequest {
  @IsOptional() @Matches(namePattern) agent?: string;
  @IsOptional() @IsIn(instanceStatuses) status?: InstanceStatus;
}

export class ListInstancesReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => Instance) data!: Instance[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** Instances by agent and name. Those that are gone are kept for an hour. */
export const listInstances = defineContract({
  subject: 'sb.registry.instance.list',
  request: ListInstancesRequest,
  reply: ListInstancesReply,
  permission: 'instances:read',
  callers: ['api-gateway', 'execution', 'protocol'],
  timeoutMs: 2_000,
  maxBytes: 4_096,
  idempotent: true,
});
