import {
  add,
  amountText,
  costOf,
  isOut,
  lackOf,
  measures,
  missingOf,
  type Account,
  type BudgetPolicy,
  type GivenBudget,
  type Holds,
  type Limits,
  type Measure,
  type OnLimit,
  type RunBudget,
  type Spend,
} from './budget.ts';
import { tokensAtMost } from './conversation.ts';
import type { AttemptRef, Failure } from './events.ts';
import type { GraphStep } from './graph.ts';
import type { Json } from './json.ts';
import { mostOfCall } from './llm.ts';
import { workOf } from './scope.ts';
import { unitOf, type RunState, type StepState, type UnitState } from './state.ts';

/** Why a unit may not begin its attempt yet: a budget of its run (`run`), of its step (`step`), or one above the run. */
export interface Shortage {
  of: string;
  /** Of what so much more is needed. */
  wants: Limits;
}

/** Whether it is for a budget above the run, which is asked for more. */
export function isAbove({ of }: Pick<Shortage, 'of'>): boolean {
  return of !== 'run' && of !== 'step';
}

/** Whether attempts of the run that are under way hold some of what is lacking above it. */
export function mayMakeRoom({ budget }: RunState, { of, wants }: Shortage): boolean {
  const account = budget?.above.get(of);
  return account !== undefined && measures.some((measure) => wants[measure] !== undefined && account.held[measure] > 0);
}

/** What people are asked who may raise a limit. */
export interface RaiseWish {
  of: 'run' | 'step';
  wants: Limits;
  /** What is added where the answer does not say how much. */
  more: Limits;
}

/** Whether an attempt may be sent: with what it holds, later, once people have said so, or not at all. */
export type Reservation =
  | { holds: Holds | undefined; model?: string; cheap?: 'run' | 'step' }
  | { short: Shortage }
  | { ask: RaiseWish & OnLimit }
  | { fail: Failure };

interface Named {
  of: string;
  account: Account;
  policy?: BudgetPolicy | undefined;
}

const none: Reservation = { holds: undefined };

/**
 * Sets aside what the next attempt of a unit can use at most, if it fits every budget that it counts for. `chosen`: the agent that does it.
 * Changes nothing.
 */
export function reservationFor(state: RunState, { s, i, n }: AttemptRef, input: Json, chosen?: string): Reservation {
  const step = state.graph.steps[s] as GraphStep;
  const { budget: ofStep } = state.steps[s] as StepState;
  if (state.budget === undefined && ofStep === undefined) return none;
  const known = workOf(state, s, i);
  const work = { ...known, target: chosen ?? known.target };
  // Asking people, waiting and computing cost nothing.
  if (work.kind === 'value' || work.kind === 'wait' || work.kind === 'approval') return none;
  if (work.kind === 'workflow' && state.budget?.depth !== undefined && state.budget.depth < 1)
    return { fail: limited('budget.depth: workflows may start no further workflows here', 'Raise it, or flatten the chain.') };
  const own = ownAccounts(state, s);
  const above = aboveOf(state, work);
  if (own.length + above.length === 0) return none;
  const cheap = work.kind === 'model' ? own.find(({ account }) => account.isCheap) : undefined;
  const model = cheap?.policy?.onLimit.do === 'model' ? cheap.policy.onLimit.model : undefined;
  const target = model ?? work.target;
  const most = mostOf(state, s, i, target, input);
  const spend = complete(most, [...own, ...above], step);
  if ('fail' in spend) return spend;
  // What undoes and tidies up is done, however many steps there were.
  if (step.part !== undefined) spend.steps = 0;
  for (const { of, account, policy } of own) {
    const lack = lackOf(account, spend);
    if (lack === undefined) continue;
    if (!isOut(account, spend)) return { short: { of, wants: missingOf(account, spend) } };
    const onLimit = policy?.onLimit ?? { do: 'stop' };
    if (onLimit.do === 'model' && work.kind === 'model' && target !== onLimit.model) {
      const cheaper = complete(mostOf(state, s, i, onLimit.model, input), [...own, ...above], step);
      if (!('fail' in cheaper) && own.every((each) => lackOf(each.account, cheaper) === undefined))
        return aboveShort(above, cheaper) ?? { ...held(cheaper, above), model: onLimit.model, cheap: of as 'run' };
    }
    if (onLimit.do === 'ask' && mayAsk(state, of, account) && step.part === undefined && !isAnswered(state, { s, i, n })) {
      const wants = missingOf(account, spend);
      // One question at a time: its answer speaks for all that wait.
      if (isAsked(state, s, of)) return { short: { of, wants } };
      return { ask: { ...onLimit, of: of as 'run', wants, more: policy?.limit ?? {} } };
    }
    return { fail: overBudget(of, step, account, lack, spend) };
  }
  return aboveShort(above, spend) ?? { ...held(spend, above), ...(model !== undefined && model !== work.target && { model }) };
}

function held(spend: Spend, above: readonly Named[]): { holds: Holds } {
  return { holds: { ...spend, ...(above.length > 0 && { of: above.map(({ of }) => of) }) } };
}

/** The budgets of a run itself: of it as a whole, and of a step with all its attempts. */
function ownAccounts({ budget, graph, steps }: RunState, s: number): Named[] {
  const { budget: ofStep } = steps[s] as StepState;
  return [
    ...(budget !== undefined && Object.keys(budget.limit).length > 0 ? [{ of: 'run', account: budget, policy: graph.budget }] : []),
    ...(ofStep === undefined ? [] : [{ of: 'step', account: ofStep, policy: graph.steps[s]?.budget }]),
  ];
}

/** Those above the run that an attempt counts for. A child run counts for them by itself. */
function aboveOf({ budget }: RunState, { kind, target }: ReturnType<typeof workOf>): (Named & { perCall: Limits })[] {
  if (budget === undefined || budget.above.size === 0 || kind === 'workflow') return [];
  return [...budget.above].flatMap(([of, account]) =>
    of.startsWith('agent/') && !(kind === 'agent' && of === `agent/${target}`) ? [] : [{ of, account, perCall: account.perCall }],
  );
}

function aboveShort(above: readonly Named[], spend: Spend): Reservation | undefined {
  const short = above.find(({ account }) => lackOf(account, spend) !== undefined);
  return short && { short: { of: short.of, wants: missingOf(short.account, spend) } };
}

/** What an attempt can use at most, as far as anybody has said it. */
function mostOf(state: RunState, s: number, i: number, target: string, input: Json): Limits {
  const step = state.graph.steps[s] as GraphStep;
  const { kind } = workOf(state, s, i);
  if (kind === 'tool' || kind === 'artifact' || kind === 'state') return { tokens: 0, costUsd: 0, steps: 1 };
  if (kind === 'workflow') return { ...step.most, ...(step.most?.steps !== undefined && { steps: step.most.steps + 1 }) };
  if (kind === 'agent') return { ...(step.llm === undefined ? step.most : mostOfCall(state.steps[s] as StepState, step, i)), steps: 1 };
  const tokensIn = tokensAtMost(step, state.steps[s] as StepState, i, target, input);
  const { maxTokens: tokensOut } = input as { maxTokens?: number };
  const price = state.budget?.prices[target];
  if (tokensIn === undefined || tokensOut === undefined) return { steps: 1 };
  return { tokens: tokensIn + tokensOut, ...(price && { costUsd: costOf(price, tokensIn, tokensOut) }), steps: 1 };
}

/** Every measure that some budget counts, or why that is not known. */
function complete(most: Limits, accounts: readonly (Named & { perCall?: Limits })[], step: GraphStep): Spend | { fail: Failure } {
  const spend: Spend = { tokens: most.tokens ?? 0, costUsd: most.costUsd ?? 0, steps: most.steps ?? 1 };
  for (const { of, account, perCall } of accounts) {
    for (const measure of Object.keys(account.limit) as Measure[]) {
      if (most[measure] !== undefined) continue;
      const taken = perCall?.[measure];
      if (taken === undefined) return { fail: unbounded(of, measure, step) };
      spend[measure] = Math.max(spend[measure], taken);
    }
  }
  return spend;
}

function unbounded(of: string, measure: Measure, { key, kind }: GraphStep): Failure {
  const what = `budget of ${nameOf(of, key)}: nobody has said how many ${measure} this call can use at most`;
  const orBudget = isAbove({ of }) ? `, or perCall.${measure} of the budget` : '';
  if (kind !== 'llm') return { code: 'invalid', isFinal: true, detail: what, next: `Give usesAtMost.${measure} of the step${orBudget}.` };
  const next =
    measure === 'costUsd'
      ? 'Name the model in MODEL_PRICES, give maxTokens, and usesAtMost of the agents that it may call.'
      : 'Give maxTokens of the step, text alone to the model, and usesAtMost of the agents that it may call.';
  return { code: 'invalid', isFinal: true, detail: what, next };
}

/** A run may not be given more here than its parent has given it. */
function mayAsk({ budget }: RunState, of: string, account: Account): boolean {
  return !account.isRefused && !(of === 'run' && budget?.isGiven === true);
}

/** People have been asked for this very attempt: once is enough. */
function isAnswered(state: RunState, { s, i, n }: AttemptRef): boolean {
  const { approval, attempt } = unitOf(state, s, i) as UnitState;
  return attempt === n && approval?.answer !== undefined;
}

function isAsked({ steps }: RunState, s: number, of: string): boolean {
  const asked = of === 'run' ? steps : [steps[s] as StepState];
  return asked.some(({ units }) =>
    units.some(({ status, approval }) => status === 'waiting' && approval?.raise?.of === of && approval.answer === undefined),
  );
}

/** `the run`, `the step write`, `workflow/review`. */
export function nameOf(of: string, key: string): string {
  return of === 'run' ? 'the run' : of === 'step' ? `the step ${key}` : of;
}

function overBudget(of: string, { key }: GraphStep, account: Account, measure: Measure, spend: Spend): Failure {
  return limited(
    `budget.${measure} of ${nameOf(of, key)}: ${amountText(measure, account.spent[measure])} of ${account.limit[measure]} are used, and this call may use ${amountText(measure, spend[measure])}`,
    'Raise the budget, or make the task smaller.',
  );
}

/** Why a budget above the run gives no more. */
export function limited(detail: string, next: string): Failure {
  return { code: 'limited', isFinal: true, detail, next };
}

/** The question to those who may raise a limit. */
export function raiseQuestion({ of, wants }: RaiseWish, { key, label }: GraphStep): string {
  const more = Object.entries(wants).map(([measure, amount]) => amountText(measure as Measure, amount));
  return `${label ?? key}: the budget of ${of === 'run' ? 'the run' : 'this step'} is used up; the next call may need ${more.join(' and ')} more. Raise it?`;
}

/** What they see beside it. */
export function raiseShown({ steps, budget }: RunState, s: number, { of, wants }: RaiseWish): Json {
  const { limit, spent, held: open } = (of === 'run' ? budget : steps[s]?.budget) as Account;
  return { limit: { ...limit }, spent: { ...spent }, held: { ...open }, wants: { ...wants } };
}

/** The part of its parent's budget that a child run is started with. */
export function givenToChild(state: RunState, s: number, unit: UnitState): GivenBudget | undefined {
  const { holds } = unit;
  const depth = state.budget?.depth;
  if (holds === undefined && depth === undefined) return undefined;
  const limit: Limits = {};
  if (holds !== undefined) {
    for (const { account } of ownAccounts(state, s)) {
      for (const measure of Object.keys(account.limit) as Measure[]) {
        if (measure !== 'steps') limit[measure] = holds[measure];
        // Nothing: it undoes something, and is not counted.
        else if (holds.steps > 0) limit.steps = holds.steps - 1;
      }
    }
  }
  return { ...(holds !== undefined && { limit }), ...(depth !== undefined && { depth: depth - 1 }) };
}

/** Sets aside for an attempt, in every budget that it counts for. */
export function hold(state: RunState, s: number, unit: UnitState, holds: Holds | undefined): void {
  unit.holds = holds;
  if (holds !== undefined) for (const account of charged(state, s, holds)) add(account.held, spendOf(holds));
}

/** An attempt has ended: what it used is spent, the rest is free again. Without `used`, nobody knows: then it is all that was set aside. */
export function settleHold(state: RunState, s: number, unit: UnitState, used: Spend | undefined, isReported = used !== undefined): void {
  const { holds } = unit;
  if (holds === undefined) return;
  unit.holds = undefined;
  const most = spendOf(holds);
  // What never was accepted has used nothing.
  const spent = used ?? (unit.status === 'queued' ? { tokens: 0, costUsd: 0, steps: most.steps } : most);
  for (const account of charged(state, s, holds)) {
    add(account.held, most, -1);
    add(account.spent, spent);
    if (!isReported) add(account.unreported, spent);
  }
}

function spendOf({ tokens, costUsd, steps }: Holds): Spend {
  return { tokens, costUsd, steps };
}

function charged(state: RunState, s: number, { of = [] }: Holds): Account[] {
  const { budget } = state;
  const ofStep = state.steps[s]?.budget;
  return [
    ...(budget === undefined ? [] : [budget]),
    ...(ofStep === undefined ? [] : [ofStep]),
    ...of.flatMap((scope) => budget?.above.get(scope) ?? []),
  ];
}

/** What people have said of a limit; `approved` is false, too, where they said nothing in time. */
export function applyRaise(state: RunState, s: number, { of, wants, more }: RaiseWish, approved: boolean, data: Json = null): void {
  const account = of === 'run' ? (state.budget as RunBudget) : (state.steps[s]?.budget as Account);
  account.isRefused = !approved;
  if (!approved) return;
  const said = (typeof data === 'object' && data !== null && !Array.isArray(data) ? data : {}) as Record<string, Json>;
  for (const measure of Object.keys(wants) as Measure[]) {
    const amount = said[measure];
    add(account.limit, { [measure]: typeof amount === 'number' && amount > 0 ? amount : (more[measure] ?? 0) });
  }
}
