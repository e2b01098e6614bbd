import { Body, Controller, Param, Put } from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsIn, IsObject, IsOptional, ValidateNested } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { applyBudget, type ApplyBudgetReply } from '@signalbox/shared/contracts/execution/apply-budget.js';
import { BudgetAmounts, budgetPeriods, type BudgetPeriod } from '@signalbox/shared/contracts/execution/budget-view.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { IfMatch } from '../../platform/if-match.ts';
import { Operation } from '../../platform/operation.ts';

class ApplyBudgetBody {
  /** At least one measure. */
  @IsObject() @ValidateNested() @Type(() => BudgetAmounts) limit!: BudgetAmounts;
  /** What a call is taken to use at most whose step does not say it. */
  @IsOptional() @ValidateNested() @Type(() => BudgetAmounts) perCall?: BudgetAmounts;
  /** `total` if absent. */
  @IsOptional() @IsIn(budgetPeriods) period?: BudgetPeriod;
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
  })
  handle(
    @Param('scope') scope: string,
    @Body() body: ApplyBudgetBody,
    @IfMatch() expectedVersion: number | undefined,
    @FromCaller() caller: Caller,
  ): Promise<ApplyBudgetReply> {
    return this.bus.request(applyBudget, { scope, ...body, ...(expectedVersion !== undefined && { expectedVersion }) }, caller);
  }
}
