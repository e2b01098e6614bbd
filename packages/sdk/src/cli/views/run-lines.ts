import type { RunDetail, Step, StepStatus } from '../../client/runs.ts';
import { between, count, duration } from '../text/figures.ts';
import { bold, dim, join, line, red, yellow } from '../text/styled.ts';
import type { Styled, Text } from '../text/styled.ts';
import { lamp, state } from './lamps.ts';

export interface RunView {
  now: number;
  columns: number;
  /** Show every item of a `forEach`, not only those that matter now. */
  showAll?: boolean;
  /** The newest progress message of each running step. */
  progress?: ReadonlyMap<string, string> | undefined;
}

/** Of a fanned-out step this many running or failed items are shown; the rest is counted. */
const itemsMax = 6;

/** The worst state of a group is its state; in this order. */
const order: readonly StepStatus[] = ['failed', 'cancelled', 'running', 'queued', 'waiting', 'pending', 'succeeded', 'skipped'];

/** A run as a tree: its steps, and under a fanned-out step its items. */
export function runLines(run: RunDetail, view: RunView): Styled[] {
  const { progress } = run;
  const lines: Styled[] = [
    line`${bold(run.workflow)} ${dim(run.id)}  ${state(run.status)}${run.reason ? `: ${run.reason}` : ''}  ${dim(`${progress.done} of ${count(progress.total, 'step')}`)}  ${between(run.startedAt, run.endedAt, view.now)}`,
  ];
  if (run.insteadOf) lines.push(yellow(`in place of ${run.insteadOf.workflow}: ${run.insteadOf.because}`));
  if (run.origin) lines.push(dim(`imported by ${run.origin.importedBy}: it was ${run.origin.run}`));
  const groups = new Map<string, Step[]>();
  for (const step of run.steps) groups.set(step.step, [...(groups.get(step.step) ?? []), step]);
  const names = [...groups].map(([name, steps]) => (steps.length === 1 && steps[0]?.index === null ? (steps[0]?.key ?? name) : name));
  const width = Math.max(8, ...names.map((name) => name.length));
  for (const [name, steps] of groups) lines.push(...groupLines(name, steps, width, view));
  if (run.error) lines.push(join([]), line`${red('failed')}: ${run.error.detail}${run.error.next ? ` ${run.error.next}` : ''}`);
  return lines.map((one) => join([one]).cut(view.columns));
}

function groupLines(name: string, steps: readonly Step[], width: number, view: RunView): Styled[] {
  const only = steps[0] as Step;
  if (steps.length === 1 && only.index === null) return stepLines(only, name.padEnd(width), '', view);
  // The group itself may be in the list, beside its items.
  const items = steps.filter((step) => step.index !== null);
  const counted = items.length > 0 ? items : steps;
  const status = order.find((one) => counted.some((step) => step.status === one)) ?? 'pending';
  const shownStatus = status === 'pending' && counted.some((step) => step.status === 'succeeded') ? 'running' : status;
  const done = counted.filter((step) => step.status === 'succeeded' || step.status === 'skipped').length;
  const starts = counted.flatMap((step) => (step.startedAt ? [step.startedAt] : [])).sort();
  const ends = counted.map((step) => step.endedAt);
  const end = ends.every((one) => one !== null && one !== undefined) ? ends.sort().at(-1) : null;
  const lines = [
    line`${lamp(shownStatus)} ${name.padEnd(width)}  ${target(only)}  ${dim(`${done} of ${counted.length}`)}  ${between(starts[0], end, view.now)}`,
  ];
  const shown = view.showAll ? counted : counted.filter((step) => step.status === 'running' || step.status === 'failed');
  for (const item of shown.slice(0, view.showAll ? undefined : itemsMax))
    lines.push(...stepLines(item, item.key.padEnd(width), '  ', view));
  const hidden = shown.length - itemsMax;
  if (!view.showAll && hidden > 0) lines.push(dim(`    and ${hidden} more`));
  return lines;
}

function stepLines(step: Step, name: string, indent: string, view: RunView): Styled[] {
  const parts: Text[] = [`${indent}`, lamp(step.status), ` ${name}  `, target(step)];
  const called = nameOf(step);
  if (called) parts.push('  ', called);
  const took = between(step.startedAt, step.endedAt, view.now);
  if (took && step.status !== 'skipped') parts.push('  ', took);
  // Nothing is said of those that the run's time went into.
  if (step.slackMs) parts.push('  ', dim(`slack ${duration(step.slackMs)}`));
  if (step.attempts.length > 1) parts.push('  ', dim(`attempt ${step.attempts.length}`));
  const progress = view.progress?.get(step.key);
  if (step.status === 'running' && progress) parts.push('  ', dim(progress));
  const [waits] = step.waitingFor;
  if (waits && step.status !== 'succeeded') parts.push('  ', dim(`waits for ${waits.on}: ${waits.because}`));
  const lines = [join(parts)];
  step.attempts.forEach(({ agent, error }, index) => {
    const after = step.attempts[index + 1];
    if (after !== undefined && after.agent !== agent)
      lines.push(line`${indent}    ${dim(`${agent ?? ''} gave it to ${after.agent ?? ''}: ${error?.detail ?? ''}`)}`);
  });
  if (step.degraded) lines.push(line`${indent}    ${yellow('degraded')}: ${step.degraded.detail}`);
  if (step.error && step.status !== 'succeeded') lines.push(line`${indent}    ${red(step.error.code)}: ${step.error.detail}`);
  return lines;
}

/** What tells a step from its siblings: its label, and for an item of a list what its input is called. */
function nameOf({ label, key, step, index, input }: Step): string {
  if (label && label !== key && label !== step) return label;
  if (index === null || input === null || typeof input !== 'object') return '';
  const { id, name, path } = input as Record<string, unknown>;
  return [id, name, path].find((one) => typeof one === 'string') ?? '';
}

function target(step: Step): Styled {
  if (step.agent) return dim(step.skill ? `${step.agent}/${step.skill}` : step.agent);
  return dim(step.tool ?? step.model ?? step.kind);
}
