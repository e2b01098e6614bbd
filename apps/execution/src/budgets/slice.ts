import { measures, type Limits, type Measure, type Spend } from '@signalbox/workflow/core/budget.js';

/** A budget above runs, as it stands. */
export interface Standing {
  limit: Limits;
  spent: Spend;
  /** To all runs that are not settled; what they have used of it is in it. */
  given: Spend;
}

/** What a run has of it: by its row, and as far as its journal says so. */
export interface Part {
  slice: Spend;
  have: Limits;
}

/** What is to be added to a run's slice; or the first measure of which there is not enough. */
export type Slice = { adds: Spend } | { lacks: Measure; needs: number; mayComeBack: boolean };

/** Beyond what it needs for the next call a run is given so many times as much, so that small calls do not ask each time, */
const callsAhead = 9;
/** and together at most this part of what is left: near the limit, one call. */
const shareAhead = 0.01;
/** Dollars are sums of fractions: so far below a cent nothing is said to be over. */
const slack = 1e-9;

/**
 * How much a run's slice grows so that it can use `wants` more than it has. Of a slice that was taken and did not get into the run's journal,
 * that is given first: asked again, nothing more is taken.
 */
export function sliceFor({ limit, spent, given }: Standing, { slice, have }: Part, wants: Limits): Slice {
  const adds: Spend = { tokens: 0, costUsd: 0, steps: 0 };
  for (const measure of measures) {
    const wanted = wants[measure];
    if (wanted === undefined) continue;
    const needs = Math.max(0, (have[measure] ?? 0) + wanted - slice[measure]);
    if (needs === 0) continue;
    const left = (limit[measure] ?? Infinity) - spent[measure] - given[measure];
    if (needs > left + slack) return { lacks: measure, needs, mayComeBack: needs <= left + given[measure] - slice[measure] + slack };
    const ahead = Math.min(left * shareAhead, needs * (1 + callsAhead));
    adds[measure] = Math.max(needs, measure === 'costUsd' ? ahead : Math.floor(ahead));
  }
  return { adds };
}

/** What of its slice a run does not know yet, of the measures that it counts. */
export function unknownOf({ slice, have }: Part, adds: Spend): Limits {
  const more: Limits = {};
  for (const measure of Object.keys(have) as Measure[]) {
    const amount = slice[measure] + adds[measure] - (have[measure] ?? 0);
    if (amount > 0) more[measure] = amount;
  }
  return more;
}
