import { Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { budgetScopePattern, budgetScopeWords } from './budget-view.ts';

export class DeleteBudgetRequest {
  @Matches(budgetScopePattern, budgetScopeWords) scope!: string;
}

export class DeleteBudgetReply {}

/** Takes a budget away, with what was counted. Runs that counted for it go on without it. */
export const deleteBudget = defineContract({
  subject: 'sb.execution.budget.delete',
  request: DeleteBudgetRequest,
  reply: DeleteBudgetReply,
  permission: 'budgets:write',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
