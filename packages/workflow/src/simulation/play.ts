import { decide } from '../core/decide.ts';
import type { Effect, RunEvent, Transition } from '../core/events.ts';
import type { Graph, GraphStep, RetryPolicy } from '../core/graph.ts';
import type { Json } from '../core/json.ts';
import { newRun, type RunState } from '../core/state.ts';
import type { Given, Turn } from '../core/turn.ts';

/** One attempt. */
export const once: RetryPolicy = { attempts: 1, initialMs: 10, factor: 2, maxMs: 100, nonRetryable: [] };

/** A step of a graph, with its needs by their keys; what is left out is that of a plain step. */
export type StepDraft = Partial<Omit<GraphStep, 'id' | 'needs'>> & { key: string; needs?: string[] };

/** A graph of these steps. */
export function graphOf(drafts: StepDraft[], rest: Partial<Graph> = {}): Graph {
  const ids = new Map(drafts.map(({ key }, id) => [key, id]));
  const steps = drafts.map(({ needs = [], ...draft }, id) => ({
    id,
    kind: 'agent' as const,
    maxParallel: 1_000,
    target: 'a',
    input: () => ({}),
    retry: once,
    timeoutMs: 1_000,
    onError: 'fail' as const,
    ...draft,
    needs: needs.map((need) => ids.get(need) as number),
  }));
  return {
    name: 'test',
    hash: 'h',
    steps: steps.map((step) => ({ ...step, dependents: steps.filter(({ needs }) => needs.includes(step.id)).map(({ id }) => id) })),
    output: (scope) => Object.fromEntries(Object.entries(scope.steps).map(([key, { output }]) => [key, output])),
    timeoutMs: 100_000,
    ...rest,
  };
}

/** A run under test: what it is told, and what it then did. */
export class Play {
  readonly state: RunState;
  readonly history: Transition[] = [];
  at = 1_000;
  private children = 0;

  constructor(graph: Graph) {
    this.state = newRun('run', graph);
  }

  given(): Given {
    return { at: this.at, random: () => 0.5, newRunId: () => `child${this.children++}`, newId: () => `id${this.children++}` };
  }

  tell(event: RunEvent): Turn {
    const turn = decide(this.state, event, this.given());
    for (const transition of turn.transitions) this.history.push(transition); // a map of many items is more than a call takes arguments
    return turn;
  }

  start(input: Json = {}): Effect[] {
    return this.tell({ type: 'start', input, depth: 0 }).effects;
  }

  /** Completes an attempt with an output, or an error by its code. */
  complete(s: number, i: number, n: number, output: Json, error?: string): Turn {
    return this.tell({
      type: 'completed',
      s,
      i,
      n,
      ...(error === undefined ? { output } : { error: { code: error, detail: 'it failed' } }),
    });
  }
}

/** `step.item.attempt` of each task that is sent out. */
export const dispatched = (effects: Effect[]): string[] =>
  effects.flatMap((effect) => (effect.e === 'dispatch' ? [`${effect.s}.${effect.i}.${effect.n}`] : []));
