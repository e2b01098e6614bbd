import type { Answerers } from './approval.ts';
import type { Usage } from './events.ts';

/** What a budget counts. `tokens`: in and out together; `costUsd`: US dollars; `steps`: attempts of steps, those of child runs included. */
export interface Spend {
  tokens: number;
  costUsd: number;
  steps: number;
}

/** Of some measures so much, of all others any. */
export type Limits = Partial<Spend>;

export const measures = ['tokens', 'costUsd', 'steps'] as const;
export type Measure = (typeof measures)[number];

/** What follows where the next call does not fit: the step fails, people may raise the limit, or calls go to a cheaper model from then on. */
export type OnLimit = { do: 'stop' } | { do: 'ask'; by?: Answerers; deadlineMs?: number } | { do: 'model'; model: string };

/** What a workflow says of the budget of its runs, or of one step with all its items, turns and child runs. */
export interface BudgetPolicy {
  limit: Limits;
  /** Of a run: how long it may take. */
  timeMs?: number;
  /** Of a run: how deep below it workflows may start workflows. */
  depth?: number;
  onLimit: OnLimit;
}

/** US dollars for a million tokens. */
export interface Price {
  inputUsd: number;
  outputUsd: number;
}

/** What one attempt may use at most, set aside before it is sent. */
export type Holds = Spend & {
  /** Budgets above the run that it counts for, too. */
  of?: string[];
};

/** How a budget stands. */
export interface Account {
  limit: Limits;
  spent: Spend;
  /** Of that, what attempts were taken to have used that did not say it, and what child runs used. */
  unreported: Spend;
  /** Set aside for attempts that are under way. */
  held: Spend;
  /** The cheaper model has taken over. */
  isCheap: boolean;
  /** People were asked for more and said no. */
  isRefused: boolean;
}

/** What a run is started with, beside what its workflow says. */
export interface GivenBudget {
  /** The part of its parent's budget that it may use. */
  limit?: Limits;
  depth?: number;
  /** What the models of its steps cost. */
  prices?: Record<string, Price>;
  /** Budgets above the run that its calls count for, too. */
  above?: AboveBudget[];
}

/** Of another definition that a run goes over to. */
export type MoreBudget = Pick<GivenBudget, 'prices' | 'above'>;

/** A budget of the workspace, of a workflow or of an agent: `workspace`, `workflow/NAME`, `agent/NAME`. */
export interface AboveBudget {
  scope: string;
  measures: Measure[];
  /** What a call is taken to use at most that does not say it. */
  perCall?: Limits;
}

/** The budgets of one run: its own, and its parts of those above it. */
export interface RunBudget extends Account {
  /** Whether its limit is, in part, that of its parent: no person may raise it here. */
  isGiven: boolean;
  timeMs: number | undefined;
  depth: number | undefined;
  prices: Readonly<Record<string, Price>>;
  above: Map<string, Account & { perCall: Limits }>;
}

/** An account of which nothing is spent. */
export function newAccount(limit: Limits): Account {
  return { limit: { ...limit }, spent: nothing(), unreported: nothing(), held: nothing(), isCheap: false, isRefused: false };
}

export function nothing(): Spend {
  return { tokens: 0, costUsd: 0, steps: 0 };
}

/** The budgets that a run begins with: what its workflow says and what it was given, whichever is less. */
export function newRunBudget(policy: BudgetPolicy | undefined, given: GivenBudget): RunBudget {
  return {
    ...newAccount(least(policy?.limit ?? {}, given.limit ?? {})),
    isGiven: given.limit !== undefined,
    timeMs: policy?.timeMs,
    depth:
      policy?.depth === undefined && given.depth === undefined ? undefined : Math.min(policy?.depth ?? Infinity, given.depth ?? Infinity),
    prices: given.prices ?? {},
    above: new Map(accountsOf(given)),
  };
}

/** As `budget`, with what another definition counts for beside it. */
export function widened(budget: RunBudget | undefined, more: MoreBudget): RunBudget {
  if (budget === undefined) return newRunBudget(undefined, more);
  const above = new Map([...accountsOf(more), ...budget.above]);
  return { ...budget, prices: { ...more.prices, ...budget.prices }, above };
}

/** Nothing of a budget above the run is its own before it has asked. */
function accountsOf({ above = [] }: MoreBudget): [string, Account & { perCall: Limits }][] {
  return above.map(({ scope, measures: counted, perCall = {} }) => [
    scope,
    { ...newAccount(Object.fromEntries(counted.map((measure) => [measure, 0]))), perCall },
  ]);
}

function least(one: Limits, other: Limits): Limits {
  const limit: Limits = {};
  for (const measure of measures) {
    const less = Math.min(one[measure] ?? Infinity, other[measure] ?? Infinity);
    if (less !== Infinity) limit[measure] = less;
  }
  return limit;
}

/** Dollars are sums of fractions: so far below a cent nothing is said to be over. */
const slack = 1e-9;

/** The first measure of which so much more does not fit, whatever is under way comes to. */
export function lackOf({ limit, spent, held }: Account, more: Spend): Measure | undefined {
  return measures.find((measure) => spent[measure] + held[measure] + more[measure] > (limit[measure] ?? Infinity) + slack);
}

/** Whether it will never fit, even if what is under way uses nothing. */
export function isOut({ limit, spent }: Account, more: Spend): boolean {
  return measures.some((measure) => spent[measure] + more[measure] > (limit[measure] ?? Infinity) + slack);
}

/** How much more of what it limits an account needs before so much fits. */
export function missingOf({ limit, spent, held }: Account, more: Spend): Limits {
  const missing: Limits = {};
  for (const measure of measures) {
    const over = spent[measure] + held[measure] + more[measure] - (limit[measure] ?? Infinity);
    if (over > 0) missing[measure] = over;
  }
  return missing;
}

export function add(to: Limits, more: Limits, sign: 1 | -1 = 1): void {
  for (const measure of measures) {
    const amount = more[measure];
    if (amount !== undefined) to[measure] = (to[measure] ?? 0) + sign * amount;
  }
}

/** What an attempt used, as it was told. */
export function usedOf(holds: Spend, usage: Usage): Spend {
  return { tokens: usage.inputTokens + usage.outputTokens, costUsd: usage.costUsd, steps: holds.steps };
}

/** All that was spent, with what is still set aside: of an attempt that nobody heard the end of it counts as used. */
export function totalOf({ spent, held }: Account): Spend {
  return { tokens: spent.tokens + held.tokens, costUsd: spent.costUsd + held.costUsd, steps: spent.steps + held.steps };
}

/** What so many tokens cost. */
export function costOf({ inputUsd, outputUsd }: Price, inputTokens: number, outputTokens: number): number {
  return (inputTokens * inputUsd + outputTokens * outputUsd) / 1_000_000;
}

const names: Record<Measure, string> = { tokens: 'tokens', costUsd: 'US dollars', steps: 'steps' };

/** `9000 tokens`, `0.5 US dollars`. */
export function amountText(measure: Measure, amount: number): string {
  return `${measure === 'costUsd' ? Number(amount.toFixed(6)) : Math.ceil(amount)} ${names[measure]}`;
}
