import { Type } from 'class-transformer';
import { IsArray, IsOptional, IsString } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { PageRequest } from '../../bus/page.ts';
import { BudgetView } from './budget-view.ts';

export class ListBudgetsRequest extends PageRequest {}

export class ListBudgetsReply {
  @Opaque() @IsArray() @Type(() => BudgetView) data!: BudgetView[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** Budgets in the order of their scopes. */
export const listBudgets = defineContract({
  subject: 'sb.execution.budget.list',
  request: ListBudgetsRequest,
  reply: ListBudgetsReply,
  permission: 'budgets:read',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 4_096,
  idempotent: true,
});
