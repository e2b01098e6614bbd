import type { RunStep, WholeRun } from '../api/shapes.ts';

/** A part of a step's row. Times are milliseconds from the run's start. */
export interface TimelineSegment {
  kind: 'queued' | 'attempt';
  from: number;
  to: number;
  status: string;
  /** The attempt's number; 0 for queue time. */
  number: number;
}

export interface TimelineRow {
  key: string;
  label: string;
  status: string;
  critical: boolean;
  segments: TimelineSegment[];
  /** From the first attempt's start to the end, or to now; `null` before it has started. */
  spanMs: number | null;
}

export interface Timeline {
  rows: TimelineRow[];
  /** The whole width, a little beyond the last segment, in milliseconds. */
  spanMs: number;
  ticks: number[];
}

/** The run as rows of segments. `now` (epoch ms) ends what is still open. */
export function timelineOf(run: Pick<WholeRun, 'steps' | 'startedAt' | 'createdAt' | 'endedAt'>, now: number): Timeline {
  const origin = Date.parse(run.startedAt ?? run.createdAt);
  const end = run.endedAt ? Date.parse(run.endedAt) : Math.max(now, origin);
  const rows = run.steps.map((step) => rowOf(step, origin, end));
  const last = Math.max(1, end - origin, ...rows.flatMap(({ segments }) => segments.map(({ to }) => to)));
  const spanMs = run.endedAt ? last : last * 1.12;
  return { rows, spanMs, ticks: ticksOf(spanMs) };
}

function rowOf(step: RunStep, origin: number, end: number): TimelineRow {
  const at = (moment: string): number => Math.max(0, Date.parse(moment) - origin);
  const segments: TimelineSegment[] = [];
  const attempts = step.attempts.filter((attempt) => attempt.startedAt);
  const first = attempts[0]?.startedAt ?? step.startedAt;
  const queued = step.queuedAt ?? null;
  const stopped = step.endedAt ? at(step.endedAt) : Math.max(0, end - origin);
  if (queued && !['pending', 'skipped'].includes(step.status)) {
    const from = at(queued);
    const to = first ? at(first) : stopped;
    if (to - from >= 1) segments.push({ kind: 'queued', from, to, status: 'queued', number: 0 });
  }
  attempts.forEach((attempt, i) => {
    const next = attempts[i + 1]?.startedAt;
    const until = attempt.endedAt ? at(attempt.endedAt) : next ? at(next) : stopped;
    const from = at(attempt.startedAt!);
    segments.push({ kind: 'attempt', from, to: Math.max(from, until), status: attempt.status, number: attempt.number });
  });
  if (attempts.length === 0 && step.startedAt)
    segments.push({ kind: 'attempt', from: at(step.startedAt), to: stopped, status: step.status, number: 1 });
  return {
    key: step.key,
    label: stepLabel(step),
    status: step.status,
    critical: step.onCriticalPath === true,
    segments,
    spanMs: first ? Math.max(0, stopped - at(first)) : null,
  };
}

/** What a step is called: its own label; an item of a list by what its input is called (`analyse: apps/registry`), of a conversation by who does it; else its key. */
export function stepLabel({
  key,
  step,
  index,
  label,
  input,
  ...who
}: Pick<RunStep, 'key' | 'step' | 'index' | 'label' | 'input'> & Partial<Pick<RunStep, 'kind' | 'model' | 'tool' | 'agent'>>): string {
  // A turn of a model, or what it called.
  if (who.kind === 'llm' && index !== null) return `${label.trim() || step}: ${who.model ?? who.tool ?? who.agent ?? 'no such tool'}`;
  if (label.trim() !== '' && label !== step) return label;
  if (index === null) return key;
  const name = typeof input === 'string' ? input : nameIn(input);
  return name === '' || name.length > itemNameMax ? key : `${step}: ${name}`;
}

/** Longer texts are content, not names. */
const itemNameMax = 80;

function nameIn(input: unknown): string {
  if (typeof input !== 'object' || input === null) return '';
  const { id, name, path, folder } = input as Record<string, unknown>;
  return [id, name, path, folder].find((each): each is string => typeof each === 'string') ?? '';
}

/** Round moments for the scale, at most eight. */
export function ticksOf(spanMs: number, most = 8): number[] {
  const raw = spanMs / most;
  const power = 10 ** Math.floor(Math.log10(Math.max(raw, 1e-9)));
  const units =
    spanMs < 60_000
      ? [1, 2, 5, 10].map((n) => n * power)
      : [10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400].map((s) => s * 1000);
  const step = units.find((unit) => unit >= raw) ?? units.at(-1)! * Math.ceil(raw / units.at(-1)!);
  const ticks: number[] = [];
  for (let at = 0; at <= spanMs && ticks.length <= most; at += step) ticks.push(Math.round(at * 1000) / 1000);
  return ticks;
}

/** A moment on the scale, in the scale's own unit: `0 s`, `0.5 s`, `2 min`. */
export function formatTick(ms: number, spanMs: number): string {
  if (spanMs < 1000) return `${Math.round(ms * 10) / 10} ms`;
  if (spanMs < 60_000 * 3) return `${Math.round(ms / 10) / 100} s`;
  if (spanMs < 3_600_000 * 3) return `${Math.round(ms / 600) / 100} min`;
  return `${Math.round(ms / 36_000) / 100} h`;
}
