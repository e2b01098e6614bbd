import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsIn, IsInt, IsObject, IsOptional, Matches, Min, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { namePattern } from '../../ids/ids.ts';
import { applyActions, Change, type ApplyAction } from './apply-reply.ts';
import { Gate } from './gate.ts';

export class ApplyGateRequest {
  /** The name that the manifest must carry. */
  @Matches(namePattern) name!: string;
  @IsObject() @Opaque() manifest!: Record<string, unknown>;
  /** Only say what would change. */
  @IsOptional() @IsBoolean() dryRun?: boolean;
  /** The version last seen; 0: it must not exist yet; absent: whatever it is. */
  @IsOptional() @IsInt() @Min(0) expectedVersion?: number;
}

export class ApplyGateReply {
  @IsIn(applyActions) action!: ApplyAction;
  @IsArray() @ValidateNested({ each: true }) @Type(() => Change) changes!: Change[];
  @ValidateNested() @Type(() => Gate) resource!: Gate;
}

/** Creates a gate or replaces its manifest; one named like a built-in gate takes its place. It counts for promotions from then on. */
export const applyGate = defineContract({
  subject: 'sb.registry.gate.apply',
  request: ApplyGateRequest,
  reply: ApplyGateReply,
  permission: 'gates:write',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 65_536,
  idempotent: true,
  errors: ['conflict', 'limited'],
});
