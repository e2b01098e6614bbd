import type { Run } from '@signalbox/sdk/client/runs.js';
import type { RunError } from '@signalbox/sdk/client/schema.js';
import type { RunStep, WholeRun } from '../api/shapes.ts';
import { wasTold } from './conversation.ts';
import { counted, formatCount, formatUsd, listed } from './text.ts';
import { stepLabel } from './timeline.ts';
import { formatSpan } from './time.ts';

const over = new Set(['succeeded', 'failed', 'cancelled']);

/** Whether it is a recorded run that an eval did again with a version of an agent: it did nothing outside, and nothing goes on from it. */
export function isDoneAgain({ workflow }: Pick<Run, 'workflow'>): boolean {
  return workflow.startsWith('counterfactual/');
}

export function isOver({ status }: Pick<Run, 'status'>): boolean {
  return over.has(status);
}

/** Whether it ended its owners and waits for a person to release or fail it. */
export function isSetAside({ status, reason }: Pick<Run, 'status' | 'reason'>): boolean {
  return status === 'waiting' && reason === 'quarantined';
}

/** How long the run took, or has taken so far; `null` before it starts. */
export function runSpanMs(run: Pick<Run, 'startedAt' | 'endedAt'>, now: number): number | null {
  if (!run.startedAt) return null;
  return Math.max(0, (run.endedAt ? Date.parse(run.endedAt) : now) - Date.parse(run.startedAt));
}

/** The words after the run's lamp: time, steps, tokens and cost, as far as they were measured. */
export function runFacts(run: Run, now: number): string[] {
  const facts: string[] = [];
  const span = runSpanMs(run, now);
  if (span !== null) facts.push(isOver(run) ? `took ${formatSpan(span)}` : `${formatSpan(span)} so far`);
  if (run.progress && run.progress.total > 0) facts.push(`${formatCount(run.progress.done)} of ${counted(run.progress.total, 'step')}`);
  const used = usageText(run.usage);
  if (used !== null) facts.push(used);
  return facts;
}

/** `4,120 tokens, $0.006`; `null` where nothing was told. */
export function usageText(usage: Run['usage'] | null | undefined): string | null {
  if (!usage) return null;
  const tokens = usage.inputTokens + usage.outputTokens;
  const said = [tokens > 0 ? `${formatCount(tokens)} tokens` : null, usage.costUsd > 0 ? formatUsd(usage.costUsd) : null].filter(Boolean);
  return said.length > 0 ? said.join(', ') : null;
}

/** How much later a step could have ended without the run's ending later; `null` where that is not known. */
export function slackText({ slackMs, onCriticalPath }: Pick<RunStep, 'slackMs' | 'onCriticalPath'>): string | null {
  if (onCriticalPath) return 'none: on the critical path';
  return typeof slackMs === 'number' ? formatSpan(slackMs) : null;
}

/** Where a run stands that ends: its steps have, and what they did is undone, or what tidies up runs. */
export function endingOf({ status, reason }: Pick<Run, 'status' | 'reason'>): 'undoing' | 'finishing' | null {
  return !over.has(status) && (reason === 'undoing' || reason === 'finishing') ? reason : null;
}

/** What went wrong, in the words of who saw it. */
export function problemText(error: RunError | string | null | undefined): string | null {
  if (!error) return null;
  if (typeof error === 'string') return error;
  return error.detail || error.code;
}

/** Steps that this one waits for: those in `needs` that are not over. A need may name a step as a whole or one of its items. */
export function needsOf(step: Pick<RunStep, 'needs'>, steps: readonly RunStep[]): RunStep[] {
  const needs = new Set(step.needs);
  return steps.filter((other) => needs.has(other.key) || needs.has(other.step));
}

/** Steps that wait for this one. */
export function dependantsOfStep(step: RunStep, steps: readonly RunStep[]): RunStep[] {
  return steps.filter(
    (other) => other !== step && (other.needs.includes(step.key) || (other.needs.includes(step.step) && other.step !== step.step)),
  );
}

/** Names of steps for a sentence; the items of one step are named once, with their count. */
export function namesOf(steps: readonly RunStep[]): string {
  const groups = new Map<string, RunStep[]>();
  for (const step of steps) groups.set(step.step, [...(groups.get(step.step) ?? []), step]);
  return listed(
    [...groups].map(([name, members]) => (members.length === 1 ? stepLabel(members[0]!) : `${name} (${members.length})`)),
    5,
  );
}

/** The step that explains a run that failed: the first that failed for good; else, in a live run, one that fails now. */
export function culprit(run: Pick<WholeRun, 'steps'>): RunStep | null {
  const failed = run.steps.filter((step) => step.status === 'failed' && !wasTold(step, run.steps));
  failed.sort((a, b) => Date.parse(a.endedAt ?? '') - Date.parse(b.endedAt ?? ''));
  return failed[0] ?? null;
}

/** The approvals that a run waits for now, each with its step. */
export function approvalsOf(steps: readonly RunStep[]): { id: string; step: RunStep }[] {
  return steps.flatMap((step) =>
    step.waitingFor.flatMap(({ on }) => (on.startsWith('approval:') ? [{ id: on.slice('approval:'.length), step }] : [])),
  );
}

/** Whether a step’s executor was lost and a person is to say what follows. */
export function isLost({ waitingFor }: Pick<RunStep, 'waitingFor'>): boolean {
  return waitingFor.some(({ on }) => on === 'crashed');
}

/** The signal that a step waits for now. */
export function signalOf({ waitingFor }: Pick<RunStep, 'waitingFor'>): string | null {
  const on = waitingFor.find((cause) => cause.on.startsWith('signal:'))?.on;
  return on === undefined ? null : on.slice('signal:'.length);
}
