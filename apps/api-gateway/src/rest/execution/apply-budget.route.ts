import { Body, Controller, Param, Put, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Type } from 'class-transformer';
import { IsIn, IsObject, IsOptional, IsString, MaxLength, ValidateNested } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { applyBudget, type ApplyBudgetReply } from '@signalbox/shared/contracts/execution/apply-budget.js';
import { BudgetAmounts, budgetPeriods, type BudgetPeriod } from '@signalbox/shared/contracts/execution/budget-view.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { ApplyQuery } from '../../platform/apply-query.ts';
import { etagOf, IfMatch } from '../../platform/if-match.ts';
import { Operation } from '../../platform/operation.ts';

class ApplyBudgetBody {
  /** At least one measure. */
  @IsObject() @ValidateNested() @Type(() => BudgetAmounts) limit!: BudgetAmounts;
  /** What a call is taken to use at most whose step does not say it. */
  @IsOptional() @ValidateNested() @Type(() => BudgetAmounts) perCall?: BudgetAmounts;
  /** `total` if absent. */
  @IsOptional() @IsIn(budgetPeriods) period?: BudgetPeriod;
  /** Absent: as they were. */
  @IsOptional() @IsObject() labels?: Record<string, string>;
  /** What it is for; empty: nothing is said of it; absent: as it was. */
  @IsOptional() @IsString() @MaxLength(2_000) description?: string;
}

@Controller('api/v1/budgets')
export class ApplyBudgetRoute {
  constructor(private readonly bus: Bus) {}

  @Put(':scope')
  @Operation(applyBudget, {
    summary: 'Create a budget or replace its limits',
    description:
      'The scope is `workspace`, `workflow/<name>` or `agent/<name>`, its slash written as `%2F`. What is spent stays. It counts for runs that begin from then on.',
    body: ApplyBudgetBody,
    query: ApplyQuery,
  })
  async handle(
    @Param('scope') scope: string,
    @Body() body: ApplyBudgetBody,
    @Query() query: ApplyQuery,
    @IfMatch() expectedVersion: number | undefined,
    @FromCaller() caller: Caller,
    @Res({ passthrough: true }) response: FastifyReply,
  ): Promise<ApplyBudgetReply> {
    const request = {
      scope,
      ...body,
      ...query,
      ...(expectedVersion !== undefined && { expectedVersion }),
    };
    const reply = await this.bus.request(applyBudget, request, caller);
    if (!query.dryRun) response.header('etag', etagOf(reply.resource.version));
    return reply;
  }
}
