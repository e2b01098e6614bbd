import type { Failure, Transition } from '@signalbox/workflow/core/events.js';
import type { Graph } from '@signalbox/workflow/core/graph.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import type { RunState } from '@signalbox/workflow/core/state.js';
import { eventOf } from '@signalbox/workflow/views/event-view.js';
import { checkInput } from '@signalbox/workflow/language/input-schema.js';
import { artifactReply } from '../local/mocks.ts';
import { LocalState } from '../local/state.ts';
import { play } from '../local/world.ts';
import type { Task } from '../local/world.ts';
import type { WorkflowFile } from '../workflow-files/read-workflow.ts';
import type { Case, Suite } from './suite.ts';

/** How a case went. */
export interface Outcome {
  state: RunState;
  tookMs: number;
  /** `1200 step.succeeded read[0]`: milliseconds after the start, what, of which step. */
  events: readonly string[];
  /** By step: the places of its first and last transition. */
  spans: ReadonlyMap<string, { first: number; last: number }>;
  /** Who was asked and nobody had mocked: `agent reader`. */
  unmocked: ReadonlySet<string>;
}

/** Of one run this many events are kept. */
const eventsMax = 10_000;

/** Plays one case. Throws a `Fault` when the workflow does not take its input, `ExpressionError` when a mock cannot be computed. */
export async function playCase({ workflow, workflows }: Suite, one: Case, signal: AbortSignal): Promise<Outcome> {
  const { graph, manifest } = workflow;
  checkInput(manifest.spec.input, one.input);
  const events: string[] = [];
  const spans = new Map<string, { first: number; last: number }>();
  const unmocked = new Set<string>();
  const shared = new LocalState();
  let seq = 0;
  const seen = (run: RunState, transition: Transition): void => {
    // Child runs tell themselves by the step that waits for them.
    if (run.parent !== undefined) return;
    const place = seq++;
    if ('s' in transition) {
      const key = graph.steps[transition.s]?.key ?? '';
      spans.set(key, { first: spans.get(key)?.first ?? place, last: place });
    }
    const event = events.length < eventsMax ? eventOf(run.run, graph, place, transition) : undefined;
    if (event !== undefined) events.push(`${transition.at - one.startAt} ${event.type}${event.step === undefined ? '' : ` ${event.step}`}`);
  };
  const { input, labels, startAt, seed, signals, cancelAfterMs, mocks } = one;
  const state = await play(
    graph,
    { input, labels, startAt, seed, signals, ...(cancelAfterMs !== undefined && { cancelAfterMs }) },
    {
      seen,
      child: (name, childInput) => childOf(workflows, name, childInput),
      reply: (task) => {
        for (const one of mocks) {
          const reply = one.replyTo(task);
          if (reply !== undefined) return reply;
        }
        if (task.kind === 'artifact') return artifactReply(task);
        if (task.kind === 'state') return shared.replyTo(task);
        if (task.kind === 'approval') return {}; // nobody answers
        unmocked.add(`${task.kind} ${task.target}`);
        return { error: notMocked(task) };
      },
    },
    signal,
  );
  return { state, tookMs: (state.endedAt ?? startAt) - startAt, events, spans, unmocked };
}

/** The graph of a child run, where its file is there. */
export function childOf(workflows: ReadonlyMap<string, WorkflowFile>, name: string, input: Json): Graph | undefined {
  const file = workflows.get(name);
  if (file === undefined) return undefined;
  checkInput(file.manifest.spec.input, input);
  return file.graph;
}

/** What a task ends with that nobody answers. */
export function notMocked({ kind, target, step }: Task): Failure {
  return { code: 'not_found', isFinal: true, detail: `nothing answers for the ${kind} ${target} of step ${step}`, next: 'Mock it.' };
}
