import { Fault, type FaultDetail } from '@signalbox/shared/errors/fault.js';
import type { OverlapPolicy } from '@signalbox/shared/contracts/execution/schedule-view.js';
import { durationMs } from '@signalbox/workflow/core/duration.js';
import { ExpressionError } from '@signalbox/workflow/core/graph.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import { compileTemplate, type CompiledTemplate } from '@signalbox/workflow/language/template.js';
import type { CatchUp } from './move.ts';
import { rhythmOf, type Rhythm } from './rhythm.ts';

/** A schedule as a person writes it; `schedule.schema.json` says what is allowed. */
export interface ScheduleManifest {
  apiVersion: 'signalbox.dev/v1';
  kind: 'Schedule';
  metadata: { name: string; labels?: Record<string, string>; description?: string };
  spec: {
    workflow: string;
    input?: Json;
    /** From 1 (goes first) to 5. */
    priority?: number;
    cron?: string;
    every?: string | number;
    timeZone?: string;
    overlap?: OverlapPolicy;
    catchUp?: { window?: string | number; max?: number };
    jitter?: string | number;
    start?: string;
    end?: string;
  };
}

/** What a schedule does, ready to be done. */
export interface Schedule {
  rhythm: Rhythm;
  overlap: OverlapPolicy;
  catchUp: CatchUp;
  jitterMs: number;
  input: CompiledTemplate;
}

const hourMs = 3_600_000;
const windowMaxMs = 30 * 24 * hourMs;
const jitterMaxMs = hourMs;

/** A manifest that satisfies the schema, compiled. `invalid`, naming the field that is wrong. */
export function scheduleOf({ spec }: ScheduleManifest): Schedule {
  const rhythm = rhythmOf(spec, '/spec');
  const bounded = (pointer: string, duration: string | number | undefined, otherwise: number, max: number, text: string): number => {
    const ms = duration === undefined ? otherwise : (durationMs(duration) ?? Infinity);
    if (ms > max) throw wrong([{ pointer, detail: `must be at most ${text}` }]);
    return ms;
  };
  return {
    rhythm,
    overlap: spec.overlap ?? 'skip',
    catchUp: { windowMs: bounded('/spec/catchUp/window', spec.catchUp?.window, hourMs, windowMaxMs, '30d'), max: spec.catchUp?.max ?? 1 },
    jitterMs: bounded('/spec/jitter', spec.jitter, 0, jitterMaxMs, '1h'),
    input: compiled(() => compileTemplate(spec.input ?? {}, '/spec/input', undefined, 'schedule')),
  };
}

/** What a compilation gives. `invalid` with its pointer where an expression cannot be read. */
export function compiled<T>(compile: () => T): T {
  try {
    return compile();
  } catch (error) {
    if (error instanceof ExpressionError) throw wrong([{ pointer: error.pointer, detail: error.message }]);
    throw error;
  }
}

function wrong(errors: FaultDetail[]): Fault {
  const [first] = errors;
  return new Fault('invalid', `${first?.pointer}: ${first?.detail}`, 'Correct it; docs/schedules.md says what it may hold.', { errors });
}

/** What the input of a run of a schedule can name. `time` is epoch milliseconds. */
export function scopeOf(name: string, time: number, timeZone: string, manual: boolean): { schedule: Record<string, Json> } {
  return { schedule: { name, time: new Date(time).toISOString(), localTime: localTime(time, timeZone), timeZone, manual } };
}

/** `2026-03-29T03:00:00`, as clocks in the zone show it. */
function localTime(time: number, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' }).format(time);
  return parts.replace(' ', 'T');
}
