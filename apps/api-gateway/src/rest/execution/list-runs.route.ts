import { Controller, Get, Query } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsIn, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { PageRequest } from '@signalbox/shared/bus/page.js';
import { listRuns, type ListRunsReply } from '@signalbox/shared/contracts/execution/list-runs.js';
import { runStatuses, type RunStatus } from '@signalbox/shared/contracts/execution/run-view.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { asList } from './as-list.ts';

class ListRunsQuery extends PageRequest {
  /** Any of these, separated by commas or given several times. */
  @IsOptional() @Transform(asList) @IsArray() @ArrayMaxSize(6) @IsIn(runStatuses, { each: true }) status?: RunStatus[];
  /** A workflow's name, or `agent/<name>`. */
  @IsOptional() @IsString() @MaxLength(80) workflow?: string;
  /** `name=value`, all of them. */
  @IsOptional() @Transform(asList) @IsArray() @ArrayMaxSize(32) @Matches(/^[^=]{1,63}=.{0,255}$/, { each: true }) labels?: string[];
}

@Controller('api/v1/runs')
export class ListRunsRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listRuns, { summary: 'Runs, the newest first', query: ListRunsQuery })
  handle(@Query() { labels, ...query }: ListRunsQuery, @FromCaller() caller: Caller): Promise<ListRunsReply> {
    const named = labels?.map((label) => [label.slice(0, label.indexOf('=')), label.slice(label.indexOf('=') + 1)] as const);
    return this.bus.request(listRuns, { ...query, ...(named && { labels: Object.fromEntries(named) }) }, caller);
  }
}
