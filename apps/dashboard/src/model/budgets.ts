import type { BudgetUse } from '@signalbox/sdk/client/runs.js';
import type { LampTone } from './lamps.ts';
import { formatCount, formatUsd } from './text.ts';

const measureWords: Record<string, string> = { tokens: 'Tokens', costUsd: 'Cost', steps: 'Steps' };

/** What a measure is called. */
export function measureWord(measure: string): string {
  return measureWords[measure] ?? measure;
}

/** What has a budget, in words: `The whole run`, `Step read`, `Its part of workflow nightly`. */
export function ownerText(of: string): string {
  if (of === 'run') return 'The whole run';
  if (of === 'workspace') return 'Its part of the workspace';
  if (of.startsWith('step:')) return `Step ${of.slice('step:'.length)}`;
  return `Its part of ${of.replace('/', ' ')}`;
}

/** `4,120`, `$0.50`: an amount of a measure. */
export function amountText(measure: string, amount: number): string {
  return measure === 'costUsd' ? formatUsd(amount) : formatCount(amount);
}

/** `90 of 100 used, 10 set aside`. */
export function useText({ measure, limit, spent, held }: BudgetUse): string {
  const aside = held > 0 ? `, ${amountText(measure, held)} set aside` : '';
  return `${amountText(measure, spent)} of ${amountText(measure, limit)} used${aside}`;
}

/** Which part of the limit is used, and which is set aside: both from 0 to 1, and together at most 1. */
export function shares({ limit, spent, held }: Pick<BudgetUse, 'limit' | 'spent' | 'held'>): { spent: number; held: number } {
  if (limit <= 0) return { spent: 1, held: 0 };
  const used = Math.min(1, Math.max(0, spent / limit));
  return { spent: used, held: Math.min(1 - used, Math.max(0, held / limit)) };
}

/** Little is left from four fifths on, and nothing at the limit. */
export function budgetTone({ limit, spent }: Pick<BudgetUse, 'limit' | 'spent'>): LampTone {
  if (spent >= limit) return 'stop';
  return spent >= 0.8 * limit ? 'caution' : 'clear';
}

/** Budgets by what has them, in the order in which the run names them. */
export function budgetsByOwner(budgets: readonly BudgetUse[]): [of: string, uses: BudgetUse[]][] {
  return [...Map.groupBy(budgets, ({ of }) => of)];
}
