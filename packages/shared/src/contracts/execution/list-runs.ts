import { Type } from 'class-transformer';
import { IsArray, IsIn, IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { pageLimitMax } from '../../bus/page.ts';
import { RunFilter, runSorts, type RunSort } from './run-filter.ts';
import { RunView } from './run-view.ts';

export class ListRunsRequest extends RunFilter {
  /** `newest` if absent. A cursor is of the sort that it came with. */
  @IsOptional() @IsIn(runSorts) sort?: RunSort;
  /** At most this many, 50 if absent. */
  @IsOptional() @Type(() => Number) @IsInt() @Min(1) @Max(pageLimitMax) limit?: number;
  /** `nextCursor` of the page before. */
  @IsOptional() @IsString() @MaxLength(1_024) cursor?: string;
}

export class ListRunsReply {
  @Opaque() @IsArray() @Type(() => RunView) data!: RunView[];
  /** A page may have fewer than asked for, or none, and be followed by others: what no index has is looked for as long as a page may take. */
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** Runs, the newest first unless sorted otherwise. `limited` when the search takes too long. */
export const listRuns = defineContract({
  subject: 'sb.execution.run.list',
  request: ListRunsRequest,
  reply: ListRunsReply,
  permission: 'runs:read',
  callers: ['api-gateway', 'registry'],
  timeoutMs: 5_000,
  maxBytes: 16_384,
  idempotent: true,
  errors: ['limited'],
});
