import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsIn, IsInt, IsObject, IsOptional, Matches, Min, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { namePattern } from '../../ids/ids.ts';
import { applyActions, Change, type ApplyAction } from './apply-reply.ts';
import { Channel } from './channel.ts';

export class ApplyChannelRequest {
  /** The name that the manifest must carry. */
  @Matches(namePattern) name!: string;
  @IsObject() @Opaque() manifest!: Record<string, unknown>;
  /** Only say what would change. */
  @IsOptional() @IsBoolean() dryRun?: boolean;
  /** The version last seen; 0: it must not exist yet; absent: whatever it is. */
  @IsOptional() @IsInt() @Min(0) expectedVersion?: number;
}

export class ApplyChannelReply {
  @IsIn(applyActions) action!: ApplyAction;
  @IsArray() @ValidateNested({ each: true }) @Type(() => Change) changes!: Change[];
  @ValidateNested() @Type(() => Channel) resource!: Channel;
}

/** Creates a channel or replaces its manifest; its secrets are read as who applied it last. One that was paused sends again. */
export const applyChannel = defineContract({
  subject: 'sb.registry.channel.apply',
  request: ApplyChannelRequest,
  reply: ApplyChannelReply,
  permission: 'channels:write',
  callers: ['api-gateway'],
  timeoutMs: 10_000,
  maxBytes: 65_536,
  idempotent: true,
  errors: ['conflict', 'limited'],
});
