import { Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsIn, IsObject, IsOptional, IsString, MaxLength } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { PageRequest } from '../../bus/page.ts';
import { RunView, runStatuses, type RunStatus } from './run-view.ts';
import { Opaque } from '../../bus/opaque.ts';

export class ListRunsRequest extends PageRequest {
  /** Any of these; all if absent. */
  @IsOptional() @IsArray() @ArrayMaxSize(6) @IsIn(runStatuses, { each: true }) status?: RunStatus[];
  /** A workflow's name, or `agent/<name>`. */
  @IsOptional() @IsString() @MaxLength(80) workflow?: string;
  /** Labels that a run must have, all of them. */
  @IsOptional() @IsObject() labels?: Record<string, string>;
}

export class ListRunsReply {
  @Opaque() @IsArray() @Type(() => RunView) data!: RunView[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** Runs, the newest first. */
export const listRuns = defineContract({
  subject: 'sb.execution.run.list',
  request: ListRunsRequest,
  reply: ListRunsReply,
  permission: 'runs:read',
  callers: ['api-gateway', 'registry'],
  timeoutMs: 5_000,
  maxBytes: 16_384,
  idempotent: true,
});
