import { hash } from 'node:crypto';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import { recordedSpan } from '@signalbox/shared/telemetry/call-context.js';
import type { EndedSpan, SpanRef } from '@signalbox/shared/telemetry/tracing.js';
import type { AttemptRef, Transition, Usage } from '@signalbox/workflow/core/events.js';
import type { GraphStep } from '@signalbox/workflow/core/graph.js';
import { keyOf, workOf } from '@signalbox/workflow/core/scope.js';
import { unitOf, type RunState, type UnitState } from '@signalbox/workflow/core/state.js';
import type { RunFacts } from '../shards/live-run.ts';

/** What a span tells of a run; the facts that a trace needs. */
export type TracedRun = { state: RunState; facts: Pick<RunFacts, 'workspace' | 'workflow'> };

/** How an attempt is called by the conventions for generative AI, where they have a word for it. */
const operations: Partial<Record<ReturnType<typeof workOf>['kind'], { operation: string; target: string }>> = {
  agent: { operation: 'invoke_agent', target: 'gen_ai.agent.name' },
  tool: { operation: 'execute_tool', target: 'gen_ai.tool.name' },
  model: { operation: 'chat', target: 'gen_ai.request.model' },
  workflow: { operation: 'invoke_workflow', target: 'gen_ai.workflow.name' },
};

/**
 * The spans that end with these transitions, which are committed. Every id derives from the run, its unit and the attempt: whoever owns the run by
 * then tells of the same spans, so that a run which outlives processes is one trace.
 */
export function spansOf({ state, facts }: TracedRun, transitions: readonly Transition[]): EndedSpan[] {
  const spans: EndedSpan[] = [];
  for (const transition of transitions) {
    if (transition.t === 'retrying') spans.push(...attemptSpans(state, transition, transition.at, transition.error.code, transition.usage));
    else if (transition.t === 'failed' || ((transition.t === 'succeeded' || transition.t === 'degraded') && transition.isKept !== true)) {
      const error = transition.t === 'succeeded' ? undefined : transition.error.code;
      spans.push(...attemptSpans(state, transition, transition.at, error, transition.usage), unitSpan(state, transition.s, transition.i));
    } else if (transition.t === 'ended') spans.push(...cancelledSpans(state), ...fannedSpans(state), rootSpan(state, facts));
  }
  return spans;
}

/** The span of a run. Its trace is that of the request which started it, where that is recorded, else its own: the run's id. */
export function spanOfRun({ run, trace }: Pick<RunState, 'run' | 'trace'>): SpanRef {
  return { trace: recordedSpan(trace)?.trace ?? run.replaceAll('-', ''), id: idOf(run, 'run') };
}

/** The span of one attempt: what its executor does goes below it. */
export function spanOfAttempt(state: RunState, { s, i, n }: AttemptRef): SpanRef {
  return { trace: spanOfRun(state).trace, id: idOf(state.run, s, i, n) };
}

/** A step with items, or with a conversation, has one span above those of its units. */
function spanOfStep(state: RunState, s: number): SpanRef {
  return { trace: spanOfRun(state).trace, id: idOf(state.run, s) };
}

function spanOfUnit(state: RunState, s: number, i: number): SpanRef {
  return i < 0 ? spanOfStep(state, s) : { trace: spanOfRun(state).trace, id: idOf(state.run, s, i) };
}

function idOf(run: string, ...of: readonly (string | number)[]): string {
  return hash('sha256', [run, ...of].join(' '), 'hex').slice(0, 16);
}

function rootSpan(state: RunState, { workspace, workflow }: TracedRun['facts']): EndedSpan {
  const { run, status, startedAt, endedAt = startedAt } = state;
  const link = recordedSpan(state.link);
  return {
    ...spanOfRun(state),
    parent: recordedSpan(state.trace)?.id,
    name: `invoke_workflow ${workflow}`,
    kind: 'internal',
    startMs: startedAt,
    endMs: endedAt,
    attributes: {
      'gen_ai.operation.name': 'invoke_workflow',
      'gen_ai.workflow.name': workflow,
      'signalbox.workspace.id': workspace,
      'signalbox.run.id': fromUuid('run', run),
      'signalbox.outcome': status,
      'signalbox.steps': state.units,
      ...usageOf(state.usage),
    },
    ...(link && { links: [link] }),
    error: status === 'failed' ? (state.error?.code ?? 'failed') : undefined,
  };
}

function unitSpan(state: RunState, s: number, i: number): EndedSpan {
  const unit = unitOf(state, s, i) as UnitState;
  const { key, kind } = state.graph.steps[s] as GraphStep;
  const endMs = unit.endedAt ?? state.startedAt;
  return {
    ...spanOfUnit(state, s, i),
    parent: i < 0 ? spanOfRun(state).id : spanOfStep(state, s).id,
    name: `step ${key}`,
    kind: 'internal',
    startMs: unit.firstAt ?? endMs,
    endMs,
    attributes: {
      ...stepOf(state, s, i),
      'signalbox.step.kind': kind,
      'signalbox.attempts': unit.attempt,
      'signalbox.outcome': unit.status,
      ...usageOf(unit.usage),
    },
    error: unit.error?.code,
  };
}

/** None of what nobody outside is asked to do: a value, a wait, an approval. */
function attemptSpans(state: RunState, ref: AttemptRef, at: number, error: string | undefined, usage: Usage | undefined): EndedSpan[] {
  const { s, i, n } = ref;
  const unit = unitOf(state, s, i) as UnitState;
  const record = unit.attempts?.find((attempt) => attempt.n === n);
  const { kind, target } = workOf(state, s, i);
  const startMs = record === undefined ? (unit.startedAt ?? unit.queuedAt) : (record.startedAt ?? record.endedAt);
  if (startMs === undefined || kind === 'value' || kind === 'wait' || kind === 'approval') return [];
  const done = operations[kind];
  // An agent that took over has the unit by now; who tried before stands in the record.
  const who =
    record === undefined
      ? target
      : (record.agent ?? (kind === 'agent' ? (unit.chosen ?? (state.graph.steps[s] as GraphStep).target) : target));
  const isFirstWait = record === undefined && unit.startedAt !== undefined && unit.queuedAt !== undefined;
  return [
    {
      ...spanOfAttempt(state, ref),
      parent: spanOfUnit(state, s, i).id,
      name: done === undefined ? kind : `${done.operation} ${who}`,
      kind: 'internal',
      startMs,
      endMs: at,
      attributes: {
        ...stepOf(state, s, i),
        ...(done && { 'gen_ai.operation.name': done.operation, [done.target]: who }),
        'signalbox.attempt': n,
        'signalbox.instance': record?.instance ?? unit.instance,
        ...(isFirstWait && { 'signalbox.queue.wait_ms': Math.max(0, (unit.startedAt as number) - (unit.queuedAt as number)) }),
        ...usageOf(usage),
      },
      ...(unit.child !== undefined && { links: [spanOfRun({ run: unit.child, trace: undefined })] }),
      error,
    },
  ];
}

/** What had begun and was cancelled with the run, or with its step. */
function cancelledSpans(state: RunState): EndedSpan[] {
  return state.steps.flatMap(({ units, isFanned }, s) =>
    units.flatMap((unit, index) => {
      if (unit.status !== 'cancelled' || unit.firstAt === undefined) return [];
      const i = isFanned ? index : -1;
      const isUnderWay = unit.attempts?.at(-1)?.n !== unit.attempt;
      const attempt = isUnderWay ? attemptSpans(state, { s, i, n: unit.attempt }, unit.endedAt as number, 'cancelled', undefined) : [];
      return [...attempt, unitSpan(state, s, i)];
    }),
  );
}

function fannedSpans(state: RunState): EndedSpan[] {
  return state.steps.flatMap((step, s) => {
    const begun = step.units.filter(({ firstAt }) => firstAt !== undefined);
    if (!step.isFanned || begun.length === 0) return [];
    const { key, kind } = state.graph.steps[s] as GraphStep;
    return [
      {
        ...spanOfStep(state, s),
        parent: spanOfRun(state).id,
        name: `step ${key}`,
        kind: 'internal' as const,
        startMs: begun.reduce((least, { firstAt }) => Math.min(least, firstAt as number), Infinity),
        endMs: begun.reduce((most, { endedAt = 0 }) => Math.max(most, endedAt), 0),
        attributes: {
          ...stepOf(state, s, -1),
          'signalbox.step.kind': kind,
          'signalbox.step.items': step.units.length,
          'signalbox.outcome': step.status,
        },
        error: step.status === 'failed' ? 'failed' : undefined,
      },
    ];
  });
}

function stepOf(state: RunState, s: number, i: number): EndedSpan['attributes'] {
  return { 'signalbox.run.id': fromUuid('run', state.run), 'signalbox.step.key': keyOf(state, s, i) };
}

function usageOf(usage: Usage | undefined): EndedSpan['attributes'] {
  if (usage === undefined) return {};
  return {
    'gen_ai.usage.input_tokens': usage.inputTokens,
    'gen_ai.usage.output_tokens': usage.outputTokens,
    'signalbox.cost.usd': usage.costUsd,
  };
}
