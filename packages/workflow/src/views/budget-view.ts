import type { BudgetUse } from '@signalbox/shared/contracts/execution/run-view.js';
import { amountText, measures, type Account, type Measure } from '../core/budget.ts';
import type { GraphStep } from '../core/graph.ts';
import { nameOf, type Shortage } from '../core/spending.ts';
import type { RunState, StepState } from '../core/state.ts';

/** A run shows so many: those of its first steps. */
const usesMax = 100;

/** How the budgets of a run stand: of it as a whole, of its steps, and its parts of those above it. */
export function budgetUses({ budget, steps, graph }: RunState): BudgetUse[] {
  const uses = budget === undefined ? [] : usesOf('run', budget);
  steps.forEach((step, s) => {
    if (step.budget !== undefined && uses.length < usesMax) uses.push(...usesOf(`step:${(graph.steps[s] as GraphStep).key}`, step.budget));
  });
  for (const [scope, account] of budget?.above ?? []) uses.push(...usesOf(scope, account));
  return uses;
}

function usesOf(of: string, { limit, spent, held, unreported }: Account): BudgetUse[] {
  return measures.flatMap((measure) => {
    const most = limit[measure];
    if (most === undefined) return [];
    return [{ of, measure, limit: most, spent: spent[measure], held: held[measure], unreported: unreported[measure] }];
  });
}

/** Why a unit waits for a budget. */
export function shortText({ budget, steps, graph }: RunState, s: number, { of, wants }: Shortage): string {
  const { key } = graph.steps[s] as GraphStep;
  const [measure = 'tokens'] = Object.keys(wants) as Measure[];
  const account = of === 'run' ? budget : of === 'step' ? (steps[s] as StepState).budget : undefined;
  const more = `${amountText(measure, wants[measure] ?? 0)} more`;
  if (account === undefined) return `it needs ${more} of the budget of ${nameOf(of, key)}`;
  const { limit, spent, held } = account;
  const left = `${amountText(measure, spent[measure])} of ${limit[measure]} are used and ${amountText(measure, held[measure])} set aside for what is under way`;
  return `the budget of ${nameOf(of, key)} lacks ${more}: ${left}`;
}
