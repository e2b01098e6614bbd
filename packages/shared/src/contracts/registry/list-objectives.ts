import { Type } from 'class-transformer';
import { IsArray, IsOptional, IsString, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { PageRequest } from '../../bus/page.ts';
import { Objective } from './objective.ts';

export class ListObjectivesRequest extends PageRequest {}

export class ListObjectivesReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => Objective) data!: Objective[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** Objectives in order of their names; `q` looks into name, description, KPI and agent. */
export const listObjectives = defineContract({
  subject: 'sb.registry.objective.list',
  request: ListObjectivesRequest,
  reply: ListObjectivesReply,
  permission: 'kpis:read',
  callers: ['api-gateway'],
  timeoutMs: 2_000,
  maxBytes: 4_096,
  idempotent: true,
});
