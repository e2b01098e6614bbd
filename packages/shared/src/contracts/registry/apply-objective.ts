import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsIn, IsInt, IsObject, IsOptional, Matches, Min, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { namePattern } from '../../ids/ids.ts';
import { applyActions, Change, type ApplyAction } from './apply-reply.ts';
import { Objective } from './objective.ts';

export class ApplyObjectiveRequest {
  /** The name that the manifest must carry. */
  @Matches(namePattern) name!: string;
  @IsObject() @Opaque() manifest!: Record<string, unknown>;
  /** Only say what would change. */
  @IsOptional() @IsBoolean() dryRun?: boolean;
  /** The version last seen; 0: it must not exist yet; absent: whatever it is. */
  @IsOptional() @IsInt() @Min(0) expectedVersion?: number;
}

export class ApplyObjectiveReply {
  @IsIn(applyActions) action!: ApplyAction;
  @IsArray() @ValidateNested({ each: true }) @Type(() => Change) changes!: Change[];
  @ValidateNested() @Type(() => Objective) resource!: Objective;
}

/** Creates an objective or replaces its manifest: what it asks of a KPI takes the place of what the product promises. */
export const applyObjective = defineContract({
  subject: 'sb.registry.objective.apply',
  request: ApplyObjectiveRequest,
  reply: ApplyObjectiveReply,
  permission: 'kpis:write',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 65_536,
  idempotent: true,
  errors: ['conflict', 'limited'],
});
