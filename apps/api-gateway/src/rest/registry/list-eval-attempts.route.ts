import { Controller, Get, Param, Query } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { ArrayMaxSize, IsIn, IsOptional } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { PageRequest } from '@signalbox/shared/bus/page.js';
import {
  evalOutcomes,
  listEvalAttempts,
  type EvalOutcome,
  type ListEvalAttemptsReply,
} from '@signalbox/shared/contracts/registry/list-eval-attempts.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

class ListEvalAttemptsQuery extends PageRequest {
  /** Only those that came out so; may be given again. */
  @IsOptional()
  @Transform(({ value }: { value: unknown }) => (Array.isArray(value) ? (value as unknown[]) : [value]))
  @ArrayMaxSize(evalOutcomes.length)
  @IsIn(evalOutcomes, { each: true })
  outcome?: EvalOutcome[];
}

@Controller('api/v1/evals')
export class ListEvalAttemptsRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':id/attempts')
  @Operation(listEvalAttempts, { summary: 'The graded attempts of an eval, in order of the cases', query: ListEvalAttemptsQuery })
  handle(@Param('id') id: string, @Query() query: ListEvalAttemptsQuery, @FromCaller() caller: Caller): Promise<ListEvalAttemptsReply> {
    return this.bus.request(listEvalAttempts, { id, ...query }, caller);
  }
}
