import { Body, Controller, Post, Res } from '@nestjs/common';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsOptional,
  IsString,
  Matches,
  MaxLength,
  ValidateNested,
} from 'class-validator';
import type { FastifyReply } from 'fastify';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { RunFilter } from '@signalbox/shared/contracts/execution/run-filter.js';
import { runActions, type RunAction } from '@signalbox/shared/contracts/execution/run-operation.js';
import { startRunOperation, type StartRunOperationReply } from '@signalbox/shared/contracts/execution/start-run-operation.js';
import { idPattern } from '@signalbox/shared/ids/ids.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { IdempotencyKey } from '../../platform/idempotency-key.ts';
import { Operation } from '../../platform/operation.ts';

class StartRunOperationBody {
  @IsIn(runActions) action!: RunAction;
  /** The runs; either this or `filter`. */
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(1_000)
  @Matches(idPattern('run'), { each: true })
  ids?: string[];
  /** All runs that are like this when it begins; `{}`: all. */
  @IsOptional() @ValidateNested() @Type(() => RunFilter) filter?: RunFilter;
  /** Of `fork`: the steps that are done again, with all that follows them. */
  @IsOptional() @IsArray() @ArrayMinSize(1) @ArrayMaxSize(500) @IsString({ each: true }) @MaxLength(64, { each: true }) from?: string[];
  /** Of `dismiss`: why. */
  @IsOptional() @IsString() @MaxLength(500) note?: string;
  /** Only says what would be done. */
  @IsOptional() @IsBoolean() dryRun?: boolean;
}

@Controller('api/v1/run-operations')
export class StartRunOperationRoute {
  constructor(private readonly bus: Bus) {}

  @Post()
  @Operation(startRunOperation, {
    summary: 'Cancel, retry, fork or dismiss many runs',
    description: 'It goes on in the service, whether or not anybody waits. With `dryRun` it says how many runs are meant, and which.',
    body: StartRunOperationBody,
    status: 202,
  })
  async handle(
    @Body() body: StartRunOperationBody,
    @IdempotencyKey() idempotencyKey: string | undefined,
    @FromCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StartRunOperationReply> {
    const started = await this.bus.request(startRunOperation, { ...body, ...(idempotencyKey !== undefined && { idempotencyKey }) }, caller);
    if (started.operation === null) reply.status(200);
    else reply.header('location', `/api/v1/run-operations/${started.operation.id}`);
    return started;
  }
}
