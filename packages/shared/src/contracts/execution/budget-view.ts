import { Type } from 'class-transformer';
import { IsIn, IsInt, IsNumber, IsObject, IsOptional, IsString, Matches, Max, Min, ValidateNested } from 'class-validator';

/** When a budget begins anew: never, each day or each month (UTC). */
export const budgetPeriods = ['total', 'day', 'month'] as const;
export type BudgetPeriod = (typeof budgetPeriods)[number];

/** `workspace`, `workflow/<name>`, `agent/<name>`. */
export const budgetScopePattern = /^(?:workspace|(?:workflow|agent)\/[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)$/;

/** `@Matches` of a scope, in words. */
export const budgetScopeWords = { message: 'must be workspace, workflow/NAME or agent/NAME' };

const amountMax = 1_000_000_000_000;

/** Amounts of what budgets count; absent: not said. */
export class BudgetAmounts {
  /** In and out together. */
  @IsOptional() @IsInt() @Min(0) @Max(amountMax) tokens?: number;
  /** US dollars. */
  @IsOptional() @IsNumber() @Min(0) @Max(amountMax) costUsd?: number;
  /** Attempts of steps. */
  @IsOptional() @IsInt() @Min(0) @Max(amountMax) steps?: number;
}

export class BudgetSums {
  @IsNumber() tokens!: number;
  @IsNumber() costUsd!: number;
  @IsNumber() steps!: number;
}

/** What all runs of a workspace, of a workflow, or all calls to an agent may use together. */
export class BudgetView {
  @Matches(budgetScopePattern, budgetScopeWords) scope!: string;
  /** What it is for; null: nothing is said of it. */
  @IsOptional() @IsString() description!: string | null;
  @IsObject() labels!: Record<string, string>;
  @IsIn(budgetPeriods) period!: BudgetPeriod;
  @ValidateNested() @Type(() => BudgetAmounts) limit!: BudgetAmounts;
  /** What a call is taken to use at most whose step does not say it. */
  @ValidateNested() @Type(() => BudgetAmounts) perCall!: BudgetAmounts;
  /** In this period, by runs that have ended in it. */
  @ValidateNested() @Type(() => BudgetSums) spent!: BudgetSums;
  /** Set aside for runs that have not ended, what they have used of it with it. */
  @ValidateNested() @Type(() => BudgetSums) given!: BudgetSums;
  /** When the next period begins; null: never. */
  @IsOptional() @IsString() renewsAt!: string | null;
  /** Rises by one with every change of its limits. */
  @IsInt() version!: number;
  @IsString() createdAt!: string;
  @IsString() updatedAt!: string;
}
