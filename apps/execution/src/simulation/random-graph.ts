import { ExpressionError, type Graph, type GraphStep, type Scope, type StepKind } from '../core/graph.ts';
import type { Json } from '../core/json.ts';
import type { Random } from './random.ts';

/** What the waits of random graphs wait for. */
export const signalName = 'go';

/** Who may answer the approvals of random graphs. */
export const answererName = 'ann';

const kinds: readonly StepKind[] = ['agent', 'agent', 'tool', 'artifact', 'value', 'wait', 'approval', 'workflow'];

/** A random acyclic graph with every kind of step, conditions, items, retries, timeouts and fallbacks. */
export function randomGraph(random: Random, options: { depth?: number; failing?: boolean } = {}): Graph {
  const count = 1 + random.below(7);
  const drafts: Omit<GraphStep, 'dependents'>[] = [];
  for (let id = 0; id < count; id++) {
    const kind = kinds[random.below((options.depth ?? 0) > 1 ? kinds.length - 1 : kinds.length)] as StepKind;
    const needs = Array.from({ length: id }, (_, earlier) => earlier).filter(() => random.chance(0.4));
    const size = random.below(6);
    const isItems = random.chance(0.35);
    drafts.push({
      id,
      key: `s${id}`,
      kind,
      needs,
      maxParallel: 1 + random.below(4),
      target: `${kind}${random.below(2)}`,
      input: options.failing && random.chance(0.1) ? failing : inputOf(kind, id, random),
      retry: { attempts: 1 + random.below(4), initialMs: random.below(50), factor: 2, maxMs: 1_000, nonRetryable: ['invalid'] },
      timeoutMs: 200 + random.below(2_000),
      onError: random.chance(0.25) ? 'continue' : 'fail',
      ...(kind === 'approval' && {
        approval: { onDeadline: pick(random, ['fail', 'approve', 'reject']), onReject: pick(random, ['fail', 'continue']) },
      }),
      ...(isItems && { items: () => Array.from({ length: size }, (_, index) => index) }),
      ...(random.chance(0.25) && { condition: conditionOf(random.chance(0.5)) }),
      ...(kind === 'agent' && random.chance(0.2) && { fallback: 'spare' }),
    });
  }
  const dependents = drafts.map(({ id }) => drafts.filter(({ needs }) => needs.includes(id)).map((step) => step.id));
  return {
    name: `random-${count}`,
    hash: 'sha256:random',
    steps: drafts.map((draft) => ({ ...draft, dependents: dependents[draft.id] as number[] })),
    output: (scope) => Object.fromEntries(Object.entries(scope.steps).map(([key, { status }]) => [key, status])),
    timeoutMs: 10_000_000,
  };
}

function inputOf(kind: StepKind, id: number, random: Random): (scope: Scope) => Json {
  if (kind === 'wait') return waitFor(random);
  return kind === 'approval' ? askFor(random) : valueOf(id);
}

function askFor(random: Random): () => Json {
  const by = { principals: [answererName] };
  const escalate = random.chance(0.5) ? [{ after: random.below(1_000), by: { roles: ['admin'] } }] : [];
  const ask = { message: 'Go on?', by, deadline: 1 + random.below(1_500), escalate };
  return () => ({ approval: ask });
}

function pick<T>(random: Random, values: readonly T[]): T {
  return values[random.below(values.length)] as T;
}

function valueOf(id: number): (scope: Scope) => string {
  return (scope) => `${id}:${JSON.stringify(scope.item ?? null)}:${Object.keys(scope.steps).length > 0 ? 'after' : 'first'}`;
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
