import type { Budget, BudgetAmounts, BudgetPeriod, BudgetSpec } from '@signalbox/sdk/client/budgets.js';
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

const measures = ['tokens', 'costUsd', 'steps'] as const;

/** What has a budget above runs, in words: `The whole workspace`, `Workflow report`, `Agent reader`. */
export function scopeText(scope: string): string {
  if (scope === 'workspace') return 'The whole workspace';
  return `${scope.charAt(0).toUpperCase()}${scope.slice(1).replace('/', ' ')}`;
}

/** Where the page of its workflow or agent is; null: the workspace has none. */
export function scopeHref(scope: string): string | null {
  const [kind, name] = scope.split('/');
  return name === undefined ? null : `/${kind}s/${encodeURIComponent(name)}`;
}

/** What is used and set aside of a budget above runs, of each measure that it limits. */
export function usesOf({ scope, limit, spent, given }: Budget): BudgetUse[] {
  return measures.flatMap((measure) => {
    const most = limit[measure];
    return most === undefined ? [] : [{ of: scope, measure, limit: most, spent: spent[measure], held: given[measure], unreported: 0 }];
  });
}

/** One sentence of how they stand. */
export function budgetsSentence(budgets: readonly Budget[]): string {
  const isAt = (tone: LampTone): number =>
    budgets.filter((budget) => {
      const tones = usesOf(budget).map(budgetTone);
      return tone === 'stop' ? tones.includes('stop') : tones.includes(tone) && !tones.includes('stop');
    }).length;
  const [gone, near] = [isAt('stop'), isAt('caution')];
  const count = `${budgets.length} ${budgets.length === 1 ? 'budget' : 'budgets'} above runs`;
  if (gone + near === 0) return `${count}, none of them near its limit.`;
  return `${count}: ${[gone > 0 && `${gone} used up`, near > 0 && `${near} near the limit`].filter(Boolean).join(', ')}.`;
}

/** When it begins anew. */
export const periodWords: Record<BudgetPeriod, string> = { total: 'for good', day: 'a day', month: 'a month' };

/** A budget as its form has it: amounts as they are typed, empty where there is none. */
export interface BudgetDraft {
  kind: 'workspace' | 'workflow' | 'agent';
  name: string;
  period: BudgetPeriod;
  tokens: string;
  costUsd: string;
  steps: string;
  callTokens: string;
  callCostUsd: string;
}

/** What a form begins with; null: a new budget. */
export function draftOf(budget: Budget | null): BudgetDraft {
  const [kind = 'workspace', name = ''] = budget?.scope.split('/') ?? [];
  const text = (amount: number | undefined): string => (amount === undefined ? '' : String(amount));
  return {
    kind: kind as BudgetDraft['kind'],
    name,
    period: budget?.period ?? 'month',
    tokens: text(budget?.limit.tokens),
    costUsd: text(budget?.limit.costUsd),
    steps: text(budget?.limit.steps),
    callTokens: text(budget?.perCall.tokens),
    callCostUsd: text(budget?.perCall.costUsd),
  };
}

/** What a form says; or what is wrong with it, in words. `steps` of a call that `known` has stay. */
export function specOf(draft: BudgetDraft, known: Budget | null): { scope: string; spec: BudgetSpec } | { fault: string } {
  if (draft.kind !== 'workspace' && draft.name === '') return { fault: `Choose the ${draft.kind}.` };
  for (const field of ['tokens', 'steps', 'callTokens'] as const)
    if (!/^\d{0,12}$/.test(draft[field].trim())) return { fault: 'Tokens and steps are whole numbers, 0 or more.' };
  for (const field of ['costUsd', 'callCostUsd'] as const)
    if (!/^(?:\d{1,12}(?:\.\d{1,6})?)?$/.test(draft[field].trim())) return { fault: 'A cost is a number as 12.50, 0 or more.' };
  const { tokens, costUsd, steps } = draft;
  const limit = amountsOf({ tokens, costUsd, steps });
  if (Object.keys(limit).length === 0) return { fault: 'Limit at least one of tokens, cost and steps.' };
  const perCall = {
    ...(known?.perCall.steps !== undefined && { steps: known.perCall.steps }),
    ...amountsOf({ tokens: draft.callTokens, costUsd: draft.callCostUsd }),
  };
  const scope = draft.kind === 'workspace' ? 'workspace' : `${draft.kind}/${draft.name}`;
  return { scope, spec: { limit, perCall, period: draft.period } };
}

function amountsOf(texts: Partial<Record<keyof BudgetAmounts, string>>): BudgetAmounts {
  return Object.fromEntries(Object.entries(texts).flatMap(([measure, text]) => (text.trim() === '' ? [] : [[measure, Number(text)]])));
}

/** What changing a budget means for what runs, in sentences; empty: nothing changes. */
export function effectOf({ limit, perCall = {}, period }: BudgetSpec, known: Budget): string[] {
  const changes = measures.flatMap((measure) => {
    const [from, to] = [known.limit[measure], limit[measure]];
    if (from === to) return [];
    const text = (amount: number | undefined): string => (amount === undefined ? 'no limit' : amountText(measure, amount));
    return [`${measureWord(measure)}: ${text(to)} in place of ${text(from)}.`];
  });
  const isNewCall = measures.some((measure) => perCall[measure] !== known.perCall[measure]);
  if (isNewCall) changes.push('What a call is taken to use changes for runs that begin from now on.');
  if (period !== known.period)
    changes.push(
      `It counts ${periodWords[period ?? 'total']} in place of ${periodWords[known.period]}: what is spent in a period that is over counts no more.`,
    );
  const gone = measures.filter((measure) => (limit[measure] ?? Infinity) <= known.spent[measure] + known.given[measure]);
  if (changes.length > 0)
    changes.push(
      ...gone.map((measure) => `${measureWord(measure)}: all of it is spent or set aside already, so calls that need more fail, or ask.`),
    );
  return changes;
}
