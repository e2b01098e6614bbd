import type { Transition, Usage } from '@signalbox/workflow/core/events.js';
import { workOf } from '@signalbox/workflow/core/scope.js';
import { unitOf, type RunState } from '@signalbox/workflow/core/state.js';
import type { GraphStep } from '@signalbox/workflow/core/graph.js';

/** What attempts of one agent or model used within one hour. */
export interface UsedRow {
  /** ISO 8601, when the hour begins. */
  hour: string;
  workflow: string;
  /** Empty where a model or a tool was asked. */
  agent: string;
  model: string;
  attempts: number;
  input_tokens: number;
  output_tokens: number;
  cost_usd: number;
}

const hourMs = 3_600_000;

/** What was used by these transitions, the last of the run so far; by the hour in which it was told. */
export function usedRows(state: RunState, transitions: readonly Transition[], workflow: string): UsedRow[] {
  const rows = new Map<string, UsedRow>();
  for (const transition of transitions) {
    const usage = 'usage' in transition ? transition.usage : undefined;
    if (usage === undefined || isNothing(usage)) continue;
    const { at, s, i, n } = transition as Transition & { at: number; s: number; i: number; n: number };
    const hour = new Date(Math.floor(at / hourMs) * hourMs).toISOString();
    const who = spenderOf(state, s, i, n);
    const key = JSON.stringify([hour, who]);
    const row = rows.get(key) ?? { hour, workflow, ...who, attempts: 0, input_tokens: 0, output_tokens: 0, cost_usd: 0 };
    row.attempts++;
    row.input_tokens += usage.inputTokens;
    row.output_tokens += usage.outputTokens;
    row.cost_usd += usage.costUsd;
    rows.set(key, row);
  }
  return [...rows.values()];
}

function isNothing({ inputTokens, outputTokens, costUsd }: Usage): boolean {
  return inputTokens === 0 && outputTokens === 0 && costUsd === 0;
}

/** Who was asked in an attempt: its unit may be another's by now. */
function spenderOf(state: RunState, s: number, i: number, n: number): { agent: string; model: string } {
  const unit = unitOf(state, s, i);
  const record = unit?.attempts?.find((attempt) => attempt.n === n);
  const { kind, target } = workOf(state, s, i);
  const isOwn = state.steps[s]?.grown?.[i] === undefined || kind === 'model';
  const who = record === undefined || !isOwn ? target : (record.agent ?? unit?.chosen ?? (state.graph.steps[s] as GraphStep).target);
  return { agent: kind === 'agent' ? who : '', model: kind === 'model' ? who : '' };
}
