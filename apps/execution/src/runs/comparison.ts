import type { ComparedSide, ComparedStep } from '@signalbox/shared/contracts/execution/compare-runs.js';
import { guarded, inputOf, keyOf } from '@signalbox/workflow/core/scope.js';
import type { Transition } from '@signalbox/workflow/core/events.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import type { RunState, UnitState } from '@signalbox/workflow/core/state.js';
import { differencesOf } from './difference.ts';

/** One of two runs. */
export interface Side {
  state: RunState;
  transitions: readonly Transition[];
}

interface Unit {
  s: number;
  i: number;
  unit: UnitState;
  startedAt: number | undefined;
  costUsd: number;
  tokens: number;
}

/** Two runs, their steps and items aligned by key: first in the order of one, then what only the other has. */
export class Comparison {
  private readonly left: Map<string, Unit>;
  private readonly right: Map<string, Unit>;

  constructor(
    private readonly a: Side,
    private readonly b: Side,
  ) {
    this.left = unitsOf(a);
    this.right = unitsOf(b);
  }

  get keys(): string[] {
    return [...new Set([...this.left.keys(), ...this.right.keys()])];
  }

  step(key: string): ComparedStep {
    const [left, right] = [this.left.get(key), this.right.get(key)];
    const [a, b] = [left && sideOf(left), right && sideOf(right)];
    const input = differencesOf(left && inputValue(this.a.state, left), right && inputValue(this.b.state, right));
    const output = differencesOf(left?.unit.output, right?.unit.output);
    const isDifferent = a?.status !== b?.status || a?.attempts !== b?.attempts || input.length > 0 || output.length > 0;
    return { key, a: a ?? null, b: b ?? null, isDifferent, input, output };
  }
}

function unitsOf({ state, transitions }: Side): Map<string, Unit> {
  const units = new Map<string, Unit>();
  state.steps.forEach((step, s) =>
    step.units.forEach((unit, index) => {
      const i = step.isFanned ? index : -1;
      units.set(keyOf(state, s, i), { s, i, unit, startedAt: undefined, costUsd: 0, tokens: 0 });
    }),
  );
  for (const transition of transitions) {
    if (!('s' in transition) || !('i' in transition)) continue;
    const unit = units.get(keyOf(state, transition.s, transition.i));
    if (unit === undefined) continue;
    if (transition.t === 'began' || transition.t === 'child' || transition.t === 'waits') unit.startedAt ??= transition.at;
    const usage = 'usage' in transition ? transition.usage : undefined;
    unit.costUsd += usage?.costUsd ?? 0;
    unit.tokens += (usage?.inputTokens ?? 0) + (usage?.outputTokens ?? 0);
  }
  return units;
}

function sideOf({ unit, startedAt, costUsd, tokens }: Unit): ComparedSide {
  const { endedAt } = unit;
  const isTimed = startedAt !== undefined && endedAt !== undefined && endedAt > 0;
  return {
    status: unit.status,
    durationMs: isTimed ? Math.max(0, Math.round(endedAt - startedAt)) : null,
    attempts: unit.attempt,
    costUsd,
    tokens,
  };
}

/** Computed again from what is recorded; undefined where it cannot be, or never was. */
function inputValue(state: RunState, { s, i, unit }: Unit): Json | undefined {
  if (unit.status === 'pending' || unit.status === 'skipped' || state.graph.steps[s]?.kind === 'value') return undefined;
  // What a later turn of a model is asked is all that came before it.
  if (i > 0 && state.steps[s]?.grown?.[i]?.k === 'model') return undefined;
  const input = guarded(() => inputOf(state, s, i));
  return 'error' in input ? undefined : input.value;
}
