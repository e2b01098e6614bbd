import type { BudgetPolicy, Limits, OnLimit } from '../core/budget.ts';
import {
  ExpressionError,
  type Graph,
  type GraphStep,
  type ItemNeeds,
  type Scope,
  type StepKind,
  type UnavailablePolicy,
} from '../core/graph.ts';
import type { Json } from '../core/json.ts';
import type { RunLimits } from '../core/limits.ts';
import type { LlmPolicy } from '../core/llm.ts';
import type { RepeatPolicy } from '../core/repeat.ts';
import type { Random } from './random.ts';

/** What the waits of random graphs wait for. */
export const signalName = 'go';

/** Half of what the others cost. */
export const cheapModel = 'cheap';

/** Who may answer the approvals of random graphs. */
export const answererName = 'ann';

const kinds: readonly StepKind[] = ['agent', 'agent', 'tool', 'artifact', 'value', 'wait', 'approval', 'llm', 'workflow'];

type Draft = Omit<GraphStep, 'dependents'>;

/** A random acyclic graph with every kind of step, conditions, items, retries, timeouts and fallbacks, and what follows its end. */
export function randomGraph(random: Random, options: { depth?: number; failing?: boolean } = {}): Graph {
  const count = 1 + random.below(7);
  const drafts: Draft[] = [];
  for (let id = 0; id < count; id++) {
    const kind = kinds[random.below((options.depth ?? 0) > 1 ? kinds.length - 1 : kinds.length)] as StepKind;
    const needs = Array.from({ length: id }, (_, earlier) => earlier).filter(() => random.chance(0.4));
    const size = random.below(6);
    const source = kind === 'llm' ? undefined : sourceOf(drafts, needs, random);
    const isItems = source === undefined && kind !== 'llm' && random.chance(0.35);
    const hasNeeds = isItems && random.chance(0.3);
    const isRepeated = source === undefined && !isItems && kind !== 'llm' && random.chance(0.2);
    drafts.push({
      id,
      key: `s${id}`,
      kind,
      needs,
      maxParallel: 1 + random.below(4),
      target: `${kind}${random.below(2)}`,
      input:
        options.failing && random.chance(0.1)
          ? failing
          : inputOf(
              kind,
              id,
              needs.filter((need) => need !== source),
              random,
            ),
      retry: { attempts: 1 + random.below(4), initialMs: random.below(50), factor: 2, maxMs: 1_000, nonRetryable: ['invalid'] },
      timeoutMs: 200 + random.below(2_000),
      onError: random.chance(0.25) ? 'continue' : 'fail',
      ...policyFor(random, kind),
      ...(isItems && { items: () => Array.from({ length: size }, (_, index) => index) }),
      ...(hasNeeds && { itemNeeds: needsOfItems(1 + random.below(3)) }),
      ...(source !== undefined && { stream: source }),
      ...(isRepeated && { repeat: turnsFor(random) }),
      ...(kind === 'agent' && (isItems || isRepeated) && random.chance(0.5) && { chooses: speakers }),
      ...(random.chance(0.25) && { condition: conditionOf(random.chance(0.5)) }),
      ...spareOf(random, kind),
      ...(kind === 'agent' && !isRepeated && random.chance(0.4) && { unavailable: standInOf(random, id, hasNeeds) }),
      ...(kind === 'llm' && { llm: conversation(random), input: () => ({ prompt: `${id}` }) }),
      ...((isItems || source !== undefined) && random.chance(0.3) && { maxFailures: () => 1 }),
      ...(kind !== 'wait' && kind !== 'value' && kind !== 'approval' && random.chance(0.2) && { timeouts: timeoutsOf(random, kind) }),
      ...(random.chance(0.3) && { onCrash: random.chance(0.5) ? 'fail' : 'ask' }),
      ...limitsFor(random, kind, options.failing ?? false),
      ...((kind === 'agent' || kind === 'workflow') && { most: mostOf(random) }),
      ...(random.chance(0.1) && { budget: budget(random) }),
    });
  }
  const hasUndo = random.chance(0.5);
  if (hasUndo) addUndo(random, drafts);
  const hasFinally = random.chance(0.4);
  for (let count = hasFinally ? 1 + random.below(2) : 0; count > 0; count--) drafts.push(finallyStep(random, drafts));
  const dependents = drafts.map(({ id }) => drafts.filter(({ needs }) => needs.includes(id)).map((step) => step.id));
  return {
    name: `random-${count}`,
    hash: 'sha256:random',
    steps: drafts.map((draft) => ({ ...draft, dependents: dependents[draft.id] as number[] })),
    output: (scope) => Object.fromEntries(Object.entries(scope.steps).map(([key, { status }]) => [key, status])),
    timeoutMs: 10_000_000,
    ...(hasUndo && { undo: { on: random.chance(0.8) ? ['failed', 'cancelled'] : ['failed'], timeoutMs: 200 + random.below(20_000) } }),
    ...(hasFinally && { finally: { timeoutMs: 200 + random.below(20_000) } }),
    ...(random.chance(0.3) && { budget: budget(random) }),
    ...(random.chance(0.3) && { runLimits: runLimitsFor(random, options.depth ?? 0) }),
  };
}

/** Small enough that many runs meet it. */
function budget(random: Random): BudgetPolicy {
  const limit: Limits = {
    ...(random.chance(0.7) && { tokens: 200 + random.below(3_000) }),
    ...(random.chance(0.3) && { costUsd: (200 + random.below(3_000)) / 1_000 }),
    ...(random.chance(0.4) && { steps: 3 + random.below(20) }),
  };
  const onLimit = pick<OnLimit>(random, [
    { do: 'stop' },
    { do: 'ask', deadlineMs: 1 + random.below(1_500) },
    { do: 'model', model: cheapModel },
  ]);
  return { limit, onLimit, ...(random.chance(0.1) && { depth: random.below(2) }) };
}

/** Some do not say it. */
function mostOf(random: Random): Limits {
  return {
    tokens: 20 + random.below(300),
    costUsd: (20 + random.below(300)) / 1_000,
    ...(random.chance(0.8) && { steps: random.below(10) }),
  };
}

/** Of one of a few limits each, so that steps and items meet in them. */
function limitsFor(random: Random, kind: StepKind, failing: boolean): Pick<GraphStep, 'limits'> {
  if (!['agent', 'tool', 'artifact', 'llm'].includes(kind) || !random.chance(0.4)) return {};
  const shared = { name: `limit${random.below(2)}`, concurrency: 1, pointer: '/limits' };
  const fails = failing && random.chance(0.1);
  return { limits: [{ ...shared, key: fails ? () => null : ({ index = -1 }) => index % 2 }] };
}

/** Runs of one depth meet in one limit: those below another are within what that has, so that none waits for one that waits for it. */
function runLimitsFor(random: Random, depth: number): RunLimits {
  const rate = random.chance(0.3) && { rate: { max: 1 + random.below(3), perMs: 1_000, burst: 1 + random.below(2) } };
  const limit = {
    name: depth === 0 ? 'whole' : 'part',
    pointer: '/limits',
    ...(random.chance(0.8) && { concurrency: 1 + random.below(2) }),
    ...rate,
  };
  return { limits: [limit], onLimit: random.chance(0.3) ? 'replace' : 'queue' };
}

/** One of the steps with items or turns that a step needs, which it may stream from. */
function sourceOf(drafts: readonly Draft[], needs: readonly number[], random: Random): number | undefined {
  const sources = needs.filter((id) => drafts[id]?.items ?? drafts[id]?.repeat ?? drafts[id]?.stream !== undefined);
  return sources.length > 0 && random.chance(0.5) ? pick(random, sources) : undefined;
}

/** Each item needs the one so far before it. */
function needsOfItems(distance: number): ItemNeeds {
  return {
    key: ({ item }) => `i${item as number}`,
    needs: ({ item }) => ((item as number) < distance ? [] : [`i${(item as number) - distance}`]),
    pointer: '/spec/steps',
  };
}

/** Some come to their end, some meet their limits. */
function turnsFor(random: Random): RepeatPolicy {
  const done = random.below(5);
  return {
    maxTurns: 1 + random.below(5),
    onLimit: pick(random, ['fail', 'continue', 'continue']),
    ...(random.chance(0.7) && { until: ({ index = 0 }) => index >= done }),
    ...(random.chance(0.5) && { noProgress: { turns: 3, similarity: 1 } }),
  };
}

const speakers: NonNullable<Draft['chooses']> = { agent: ({ index = 0 }) => `agent${index % 2}`, agents: ['agent0', 'agent1'] };

/** Who goes on where the first cannot. */
function spareOf(random: Random, kind: StepKind): Pick<GraphStep, 'fallback' | 'failover'> {
  if (kind !== 'agent' && kind !== 'llm') return {};
  if (random.chance(0.2)) return { fallback: 'spare' };
  if (kind === 'llm' || random.chance(0.6)) return {};
  return { failover: { ...(random.chance(0.5) && { to: ['spare1', 'spare2'] }), afterMs: 100 } };
}

/** What stands in where nobody is there; items that need each other are not skipped. */
function standInOf(random: Random, id: number, hasNeeds: boolean): UnavailablePolicy {
  return { afterMs: 100, ...((hasNeeds || random.chance(0.6)) && { use: valueOf(id) }) };
}

function inputOf(kind: StepKind, id: number, needs: readonly number[], random: Random): (scope: Scope) => Json {
  if (kind === 'wait') return waitFor(random);
  return kind === 'approval' ? askFor(random) : valueOf(id, needs);
}

function policyFor(random: Random, kind: StepKind): Pick<GraphStep, 'approval'> {
  if (kind !== 'approval') return {};
  return { approval: { onDeadline: pick(random, ['fail', 'approve', 'reject']), onReject: pick(random, ['fail', 'continue']) } };
}

function askFor(random: Random): () => Json {
  const by = { principals: [answererName] };
  const escalate = random.chance(0.5) ? [{ after: random.below(1_000), by: { roles: ['admin'] } }] : [];
  const deadline = 1 + random.below(1_500);
  const ask = { message: 'Go on?', by, deadline, escalate, remind: [deadline >> 1, deadline >> 3] };
  return () => ({ approval: ask });
}

function pick<T>(random: Random, values: readonly T[]): T {
  return values[random.below(values.length)] as T;
}

/** Some steps can be undone: the last first. */
function addUndo(random: Random, drafts: Draft[]): void {
  const undoOf = new Map<number, number>();
  const main = [...drafts];
  for (const step of main.toReversed()) {
    if (step.kind === 'llm' || step.repeat || step.itemNeeds || !random.chance(0.6)) continue;
    const id = drafts.length;
    const after = main.filter(({ needs }) => needs.includes(step.id)).flatMap((dependent) => undoOf.get(dependent.id) ?? []);
    undoOf.set(step.id, id);
    drafts.push({
      ...plain(random, id, random.chance(0.8) ? 'tool' : 'value'),
      key: `${step.key}.undo`,
      needs: after,
      input: valueOf(id),
      part: 'undo',
      undoes: step.id,
      ...((step.items ?? step.stream) !== undefined && { items: step.items ?? (() => []) }),
    });
  }
}

function finallyStep(random: Random, drafts: readonly Draft[]): Draft {
  const id = drafts.length;
  const kind = kinds[random.below(kinds.length - 1)] as StepKind;
  return {
    ...plain(random, id, kind),
    key: `f${id}`,
    needs: drafts.filter(({ part }) => part === 'finally' && random.chance(0.5)).map((step) => step.id),
    input: kind === 'wait' || kind === 'approval' ? inputOf(kind, id, [], random) : ({ run }) => `${run.status} ${run.error?.code ?? ''}`,
    part: 'finally',
    ...policyFor(random, kind),
    ...(kind === 'llm'
      ? { llm: conversation(random), input: ({ run }) => ({ prompt: run.status ?? '' }) }
      : random.chance(0.3) && { items: () => [1, 2, 3] }),
  };
}

function plain(
  random: Random,
  id: number,
  kind: StepKind,
): Pick<Draft, 'id' | 'kind' | 'maxParallel' | 'target' | 'retry' | 'timeoutMs' | 'onError'> {
  return {
    id,
    kind,
    maxParallel: 1 + random.below(3),
    target: `${kind}0`,
    retry: { attempts: 1 + random.below(4), initialMs: random.below(50), factor: 2, maxMs: 1_000, nonRetryable: ['invalid'] },
    timeoutMs: 200 + random.below(2_000),
    onError: random.chance(0.25) ? 'continue' : 'fail',
  };
}

/** Some of these meet their limits. */
function conversation(random: Random): LlmPolicy {
  const tools = [{ tool: 'files/*' }];
  return {
    tools,
    ...(random.chance(0.4) && { approve: tools }),
    ...(random.chance(0.9) && { maxTokens: 20 + random.below(100) }),
    toolTokens: random.below(100),
    limits: { turns: 2 + random.below(4), tokens: 2_000, timeMs: 2_000 + random.below(8_000) },
  };
}

function timeoutsOf(random: Random, kind: StepKind): NonNullable<GraphStep['timeouts']> {
  const totalMs = 100 + random.below(3_000);
  if (kind === 'workflow') return { totalMs };
  return { totalMs, queueMs: 50 + random.below(500), ...(random.chance(0.5) && { startMs: 50 + random.below(500) }) };
}

/** Of steps that may not have ended it sees nothing, as in a workflow. */
function valueOf(id: number, needs: readonly number[] = []): (scope: Scope) => string {
  return ({ item = null, steps }) => `${id}:${JSON.stringify(item)}:${needs.map((need) => steps[`s${need}`]?.status ?? '').join()}`;
}

function waitFor(random: Random): () => Json {
  const timeout = 1 + random.below(1_500);
  const wait = random.chance(0.5) ? timeout : { signal: signalName, timeout };
  return () => wait;
}

function conditionOf(value: boolean): () => boolean {
  return () => value;
}

function failing(): never {
  throw new ExpressionError('it cannot be computed', '/spec/steps');
}

/** The graph without some of its steps, and without what undoes them. */
export function graphWithout(graph: Graph, without: readonly number[]): Graph {
  if (without.length === 0) return graph;
  const out = new Set(without);
  const kept = graph.steps.filter(({ id, undoes }) => !out.has(id) && (undoes === undefined || !out.has(undoes)));
  const ids = new Map(kept.map(({ id }, at) => [id, at]));
  const moved = (old: readonly number[]): number[] => old.flatMap((id) => ids.get(id) ?? []);
  const steps = kept.map(({ undoes, stream, ...step }, id) => ({
    ...step,
    id,
    needs: moved(step.needs),
    dependents: moved(step.dependents),
    ...(undoes !== undefined && { undoes: ids.get(undoes) as number }),
    ...(stream !== undefined && ids.has(stream) && { stream: ids.get(stream) as number }),
  }));
  return { ...graph, steps };
}
