import { Type } from 'class-transformer';
import { Matches, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { BudgetSums, BudgetView, budgetScopePattern, budgetScopeWords } from './budget-view.ts';

export class GetBudgetRequest {
  @Matches(budgetScopePattern, budgetScopeWords) scope!: string;
}

export class GetBudgetReply extends BudgetView {
  /** What the runs have of it, added up at the same moment: as much as `given`. */
  @ValidateNested() @Type(() => BudgetSums) slices!: BudgetSums;
}

/** One budget, with what is spent of it and set aside. */
export const getBudget = defineContract({
  subject: 'sb.execution.budget.get',
  request: GetBudgetRequest,
  reply: GetBudgetReply,
  permission: 'budgets:read',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
