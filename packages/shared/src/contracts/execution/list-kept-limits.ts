import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  IsUUID,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { CalledShare, limitKinds, LimitView, type LimitKind } from './limit-view.ts';

export class ListKeptLimitsRequest {
  @IsUUID() workspace!: string;
  @IsOptional() @IsIn(limitKinds) kind?: LimitKind;
  @IsOptional() @IsBoolean() waiting?: boolean;
  @IsOptional() @IsString() @MaxLength(200) q?: string;
  /** Kind, name and key of the last one that is known. */
  @IsOptional() @IsArray() @ArrayMinSize(3) @ArrayMaxSize(3) @IsString({ each: true }) after?: string[];
  @IsInt() @Min(1) @Max(201) limit!: number;
}

export class ListKeptLimitsReply {
  @Opaque() @IsArray() @Type(() => LimitView) limits!: LimitView[];
  @ValidateNested() @Type(() => CalledShare) calls!: CalledShare;
}

/** One replica asks another for the limits and queues that it keeps, whichever of its shards is named. */
export const listKeptLimits = defineContract({
  subject: 'sb.execution.shard.*.list-kept-limits',
  request: ListKeptLimitsRequest,
  reply: ListKeptLimitsReply,
  permission: 'none',
  callers: ['execution'],
  timeoutMs: 2_000,
  maxBytes: 4_096,
  idempotent: true,
  identity: 'service',
  shard: true,
});
