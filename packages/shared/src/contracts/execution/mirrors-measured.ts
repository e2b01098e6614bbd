import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsInt,
  IsNumber,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { defineEvent } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { idPattern, namePattern } from '../../ids/ids.ts';
import { taskPattern } from './task-id.ts';

/** Pairs of one message; what is more comes in the next. */
export const mirrorPairsMax = 16;
/** A value of more bytes of JSON is not sent: it is compared where it is, and graded by nobody. */
export const mirrorValueMaxBytes = 8 * 1024;

/** What one of both versions made of a call. */
export class MirrorSide {
  /** From the word to begin to the result, in milliseconds. */
  @IsNumber() @Min(0) tookMs!: number;
  @IsNumber() @Min(0) costUsd!: number;
  /** It failed: `code: detail`. */
  @IsOptional() @IsString() @MaxLength(1_000) error?: string;
  /** It answered, and not as the `outputSchema` of the skill promises. */
  @IsOptional() @IsString() @MaxLength(1_000) invalid?: string;
  /** Absent where it failed, or is too large. */
  @IsOptional() @Opaque() output?: unknown;
}

/** One call, as the stable version and the new one answered it. */
export class MirrorPair {
  /** The task of the stable version. */
  @Matches(taskPattern) task!: string;
  /** Both answered the same, as canonical JSON (RFC 8785). */
  @IsBoolean() isEqual!: boolean;
  /** Absent where it is too large. */
  @IsOptional() @Opaque() input?: unknown;
  @IsObject() @ValidateNested() @Type(() => MirrorSide) stable!: MirrorSide;
  @IsObject() @ValidateNested() @Type(() => MirrorSide) candidate!: MirrorSide;
}

export class MirrorsMeasured {
  @Matches(idPattern('rollout')) rollout!: string;
  @Matches(namePattern) agent!: string;
  /** Calls that were to be mirrored and were not, since as many were under way, or it was not to be done. */
  @IsInt() @Min(0) skipped!: number;
  @IsArray() @ArrayMaxSize(mirrorPairsMax) @ValidateNested({ each: true }) @Type(() => MirrorPair) pairs!: MirrorPair[];
}

/** How calls went that were mirrored to a version which is rolled out, from one owner of runs. */
export const mirrorsMeasured = defineEvent({
  subject: 'sb.live.execution.mirror.measured',
  payload: MirrorsMeasured,
  listeners: ['registry'],
});
