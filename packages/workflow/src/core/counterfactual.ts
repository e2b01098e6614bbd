import type { Failure } from './events.ts';
import type { Graph, GraphStep } from './graph.ts';
import { isSameJson, sizeOf, type Json } from './json.ts';
import { guarded, inputOf, keyOf, workOf } from './scope.ts';
import type { RunState, StepState, UnitState } from './state.ts';

/** What a run asked somebody else than the agent, and what came of it. */
export interface RecordedAnswer {
  /** `analyse`, or `analyse[3]` for an item. */
  key: string;
  /** As it was asked; of a model its messages alone. */
  input: Json;
  /** Whom the step chose for it. */
  agent?: string;
  output?: Json;
  error?: Failure;
}

/**
 * What a counterfactual run goes by: it is a run that has been, done again with one version of one agent. That agent alone is called; whatever is asked of
 * others is answered by what the recorded run was answered.
 */
export interface Recorded {
  /** The recorded run, as its expressions saw it: they see the same again. */
  run: { id: string; startedAt: string };
  agent: string;
  version: number;
  /** Answers are given by the key of a step alone, whatever it asks. */
  isReused?: true;
  answers: RecordedAnswer[];
}

/** The same, with its answers by their keys. */
export type Counterfactual = Omit<Recorded, 'answers'> & { answers: ReadonlyMap<string, RecordedAnswer> };

/** Bytes of all answers, with what was asked: they are one row of the journal, and stay in memory while the run lives. */
export const recordedBytesMax = 1_048_576;

/**
 * What a run that has ended asked others than the agent; undefined where it asked the agent nothing that was answered (of `skill`, where given), where
 * something stood in for an answer, or where that is more than `recordedBytesMax`.
 */
export function recordedAnswers(state: RunState, agent: string, skill?: string): RecordedAnswer[] | undefined {
  // What stood in for answers says nothing of who gives them.
  if (state.degraded > 0) return undefined;
  const answers: RecordedAnswer[] = [];
  let isAsked = false;
  let bytes = 0;
  for (const [s, { part, kind }] of state.graph.steps.entries()) {
    const { isFanned, units } = state.steps[s] as StepState;
    // Nothing is undone or tidied up again, and values are computed.
    if (part !== undefined || kind === 'value') continue;
    for (const [place, unit] of units.entries()) {
      if (unit.status !== 'succeeded' && unit.status !== 'failed') continue;
      const i = isFanned ? place : -1;
      if (agentAsked(state, s, i, unit.chosen) === agent) {
        const { skill: asked = skill } = workOf(state, s, i);
        isAsked ||= unit.status === 'succeeded' && !unit.isKept && (skill ?? asked) === asked;
        continue;
      }
      const answer = answerOf(state, s, i, unit);
      if (answer === undefined) continue;
      bytes += sizeOf(answer as unknown as Json, recordedBytesMax);
      if (bytes > recordedBytesMax) return undefined;
      answers.push(answer);
    }
  }
  return isAsked ? answers : undefined;
}

function answerOf(state: RunState, s: number, i: number, { output = null, error, chosen }: UnitState): RecordedAnswer | undefined {
  const input = guarded(() => inputOf(state, s, i));
  // What could not be asked cannot be asked again.
  if ('error' in input) return undefined;
  return {
    key: keyOf(state, s, i),
    input: askedOf(state, s, i, input.value),
    ...(chosen !== undefined && { agent: chosen }),
    ...(error === undefined ? { output } : { error }),
  };
}

/** The agent that a unit is first asked of; undefined where it is asked of no agent. `chosen`: by the step. */
function agentAsked(state: RunState, s: number, i: number, chosen: string | undefined): string | undefined {
  const { kind, target } = state.graph.steps[s] as GraphStep;
  if (kind === 'agent') return chosen ?? target;
  const called = workOf(state, s, i);
  return called.kind === 'agent' ? called.target : undefined;
}

/** What answers should be compared by: how many tokens a model has left is not what it is asked. */
function askedOf(state: RunState, s: number, i: number, input: Json): Json {
  return workOf(state, s, i).kind === 'model' ? ((input as { messages?: Json }).messages ?? null) : input;
}

/** Whether a unit is done by somebody: of a run that goes by a recorded one, only what is asked of its agent. */
export function isSentOut(state: RunState, s: number, i: number, chosen: string | undefined): boolean {
  return state.counterfactual === undefined || agentAsked(state, s, i, chosen) === state.counterfactual.agent;
}

/** What the recorded run was answered to the very same; undefined where it did not ask that. */
export function recallOf(state: RunState, s: number, i: number, input: Json, chosen: string | undefined): RecordedAnswer | undefined {
  const { answers, isReused } = state.counterfactual as Counterfactual;
  const answer = answers.get(keyOf(state, s, i));
  if (answer === undefined || isReused === true) return answer;
  return answer.agent === chosen && isSameJson(answer.input, askedOf(state, s, i, input)) ? answer : undefined;
}

/** Has a run that starts go by what is recorded. */
export function goBy(state: RunState, { answers, ...recorded }: Recorded): void {
  state.counterfactual = { ...recorded, answers: new Map(answers.map((answer) => [answer.key, answer])) };
  state.graph = harmless(state.graph);
  for (const step of state.steps) step.budget = undefined;
  Object.assign(state.scope.run, recorded.run);
}

/** The graph without what a run does for its own sake: nobody takes over, nobody is asked, nothing is undone or tidied up. */
function harmless({ undo: _, finally: __, budget: ___, runLimits: ____, ...graph }: Graph): Graph {
  const steps = graph.steps.map(
    ({ fallback: _fallback, failover: _failover, unavailable: _unavailable, onCrash: _crash, budget: _budget, ...step }) => step,
  );
  return { ...graph, steps };
}
