import { Controller, Get, Query } from '@nestjs/common';
import { Transform, Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsIn, IsInt, IsOptional, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { pageLimitMax } from '@signalbox/shared/bus/page.js';
import { listRuns, type ListRunsReply } from '@signalbox/shared/contracts/execution/list-runs.js';
import { RunConditions, runSorts, type RunSort } from '@signalbox/shared/contracts/execution/run-filter.js';
import { runStatuses, type RunStatus } from '@signalbox/shared/contracts/execution/run-view.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { asList } from '../../platform/as-list.ts';

class ListRunsQuery extends RunConditions {
  /** Any of these, separated by commas or given several times. */
  @IsOptional() @Transform(asList) @IsArray() @ArrayMaxSize(6) @IsIn(runStatuses, { each: true }) status?: RunStatus[];
  /** `name=value`, all of them. */
  @IsOptional() @Transform(asList) @IsArray() @ArrayMaxSize(32) @Matches(/^[^=]{1,63}=.{0,255}$/, { each: true }) labels?: string[];
  /** `newest` if absent. */
  @IsOptional() @IsIn(runSorts) sort?: RunSort;
  /** At most this many, 50 if absent. */
  @IsOptional() @Type(() => Number) @IsInt() @Min(1) @Max(pageLimitMax) limit?: number;
  /** `nextCursor` of the page before, of the same sort. */
  @IsOptional() @IsString() @MaxLength(1_024) cursor?: string;
}

@Controller('api/v1/runs')
export class ListRunsRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listRuns, {
    summary: 'Runs, the newest first',
    description: 'What no index has is looked for as long as a page may take: a page may be short, or empty, and be followed by others.',
    query: ListRunsQuery,
  })
  handle(@Query() { labels, ...query }: ListRunsQuery, @FromCaller() caller: Caller): Promise<ListRunsReply> {
    const named = labels?.map((label) => [label.slice(0, label.indexOf('=')), label.slice(label.indexOf('=') + 1)] as const);
    return this.bus.request(listRuns, { ...query, ...(named && { labels: Object.fromEntries(named) }) }, caller);
  }
}
