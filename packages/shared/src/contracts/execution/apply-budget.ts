import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsIn, IsInt, IsObject, IsOptional, IsString, Matches, MaxLength, Min, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { ManifestChange } from './apply-workflow.ts';
import { BudgetAmounts, BudgetView, budgetPeriods, budgetScopePattern, budgetScopeWords, type BudgetPeriod } from './budget-view.ts';

export class ApplyBudgetRequest {
  @Matches(budgetScopePattern, budgetScopeWords) scope!: string;

  /** At least one measure. Less than what is spent is allowed: then nothing more is. */
  @IsObject() @ValidateNested() @Type(() => BudgetAmounts) limit!: BudgetAmounts;

  /** What a call is taken to use at most whose step does not say it. */
  @IsOptional() @ValidateNested() @Type(() => BudgetAmounts) perCall?: BudgetAmounts;

  /** `total` if absent. */
  @IsOptional() @IsIn(budgetPeriods) period?: BudgetPeriod;

  /** At most 32, their values at most 255 characters; absent: as they were. */
  @IsOptional() @IsObject() labels?: Record<string, string>;

  /** What it is for; empty: nothing is said of it; absent: as it was. */
  @IsOptional() @IsString() @MaxLength(2_000) description?: string;

  /** Only say what would change. */
  @IsOptional() @IsBoolean() dryRun?: boolean;

  /** The version last seen; 0: it must not exist yet; absent: whatever is there. */
  @IsOptional() @IsInt() @Min(0) expectedVersion?: number;
}

export class ApplyBudgetReply {
  @IsIn(['created', 'updated', 'unchanged']) action!: 'created' | 'updated' | 'unchanged';
  @IsArray() @ValidateNested({ each: true }) @Type(() => ManifestChange) changes!: ManifestChange[];
  @ValidateNested() @Type(() => BudgetView) resource!: BudgetView;
}

/** Creates a budget or replaces its limits; what is spent stays. It counts for runs that begin from then on. */
export const applyBudget = defineContract({
  subject: 'sb.execution.budget.apply',
  request: ApplyBudgetRequest,
  reply: ApplyBudgetReply,
  permission: 'budgets:write',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 16_384,
  idempotent: true,
  errors: ['conflict', 'limited'],
});
