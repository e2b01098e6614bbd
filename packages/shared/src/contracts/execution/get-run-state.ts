import { Type } from 'class-transformer';
import { IsArray, IsInt, IsOptional, IsString, Matches, MaxLength, Max, Min } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { idPattern } from '../../ids/ids.ts';
import { RunView, StepView } from './run-view.ts';

export class GetRunStateRequest {
  @Matches(idPattern('run')) run!: string;
  /** The event after which the run is shown, as `seq` of its events; past its end: as it is. */
  @Type(() => Number) @IsInt() @Min(0) @Max(2_147_483_647) seq!: number;
  /** `nextSteps` of the answer before. */
  @IsOptional() @IsString() @MaxLength(200) cursor?: string;
}

export class GetRunStateReply extends RunView {
  /** The event after which it stood so, and the last that is recorded. */
  @IsInt() seq!: number;
  @IsInt() lastSeq!: number;
  /** When that event was, ISO 8601. */
  @IsString() at!: string;
  /** The first 500; the rest with `nextSteps`. */
  @Opaque() @IsArray() @Type(() => StepView) steps!: StepView[];
  @IsOptional() @IsString() nextSteps!: string | null;
}

/** A run as it stood after one of its events: statuses, outputs, progress. */
export const getRunState = defineContract({
  subject: 'sb.execution.run.state',
  request: GetRunStateRequest,
  reply: GetRunStateReply,
  permission: 'runs:read',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
