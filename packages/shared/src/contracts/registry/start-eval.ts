import { IsIn, IsInt, IsOptional, Matches, Max, Min } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { Eval } from './eval.ts';
import { stages, type Stage } from './stage.ts';

export class StartEvalRequest {
  @Matches(namePattern) suite!: string;
  @Matches(namePattern) agent!: string;
  /** Absent: the current one. */
  @IsOptional() @IsInt() @Min(1) @Max(2_147_483_647) version?: number;
  /** How often each case is put; absent: as the suite says. */
  @IsOptional() @IsInt() @Min(1) @Max(20) repeats?: number;
  /** The stage whose version it is compared with; `production` if absent. */
  @IsOptional() @IsIn(stages) against?: Stage;
}

export class StartEvalReply extends Eval {}

/** Puts a suite to a version of an agent, as a run of its own; what it finds out becomes evidence for that version. */
export const startEval = defineContract({
  subject: 'sb.registry.eval.start',
  request: StartEvalRequest,
  reply: StartEvalReply,
  permission: 'evals:run',
  callers: ['api-gateway'],
  timeoutMs: 15_000,
  maxBytes: 1_024,
  idempotent: false,
  errors: ['not_found', 'limited', 'conflict'],
});
