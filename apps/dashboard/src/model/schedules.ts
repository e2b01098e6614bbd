import type { Firing, OverlapPolicy, Schedule, ScheduleSpec } from '@signalbox/sdk/client/schedules.js';
import type { Trigger } from '@signalbox/sdk/client/triggers.js';
import { parseJson } from './json.ts';
import { lampOf, type Lamp } from './lamps.ts';

/** What a schedule's form holds, as it was typed. */
export interface ScheduleDraft {
  name: string;
  description: string;
  workflow: string;
  kind: 'cron' | 'every';
  cron: string;
  every: string;
  timeZone: string;
  overlap: OverlapPolicy;
  /** JSON; empty: nothing. */
  input: string;
}

/** What each overlap policy means, in the order of their use. */
export const overlaps: readonly { policy: OverlapPolicy; about: string }[] = [
  { policy: 'skip', about: 'skip the new time' },
  { policy: 'queue', about: 'start it when the run has ended, one at most' },
  { policy: 'allow', about: 'start it beside the run' },
  { policy: 'cancelOther', about: 'cancel the run and start it' },
];

/** What is typed into the form, as the fields of a specification; those of `kept` that the form does not show stay. */
export function specOf(draft: ScheduleDraft, kept: Partial<ScheduleSpec> = {}): { spec: ScheduleSpec } | { fault: string } {
  const { cron: _, every: __, timeZone: ___, input: ____, ...rest } = kept;
  const input = draft.input.trim() === '' ? { value: undefined } : parseJson(draft.input);
  if ('fault' in input) return { fault: input.fault };
  return {
    spec: {
      ...rest,
      workflow: draft.workflow,
      ...(draft.kind === 'cron' ? { cron: draft.cron.trim() } : { every: draft.every.trim() }),
      ...(draft.timeZone.trim() !== '' && { timeZone: draft.timeZone.trim() }),
      overlap: draft.overlap,
      ...(input.value !== undefined && { input: input.value }),
    },
  };
}

/** `30 2 * * *`, or `every 15m`. */
export function rhythmText({ cron, every }: Pick<Schedule, 'cron' | 'every'>): string {
  return cron ?? `every ${every ?? ''}`;
}

/** A time in a zone, to the minute: `Fri, 27 Nov, 02:30`; with its year where that is not this one. */
export function formatInZone(at: string, timeZone?: string, now = new Date()): string {
  return new Intl.DateTimeFormat('en-GB', {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    ...(new Date(at).getUTCFullYear() !== now.getUTCFullYear() && { year: 'numeric' }),
    hour: '2-digit',
    minute: '2-digit',
    ...(timeZone !== undefined && { timeZone }),
  }).format(new Date(at));
}

/** The zone of who looks. */
export const ownZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

const stateLamps: Record<Schedule['state'], string> = { active: 'healthy', paused: 'waiting', ended: 'idle' };

/** Whether a schedule or trigger is on. */
export function stateLamp(state: Schedule['state'] | Trigger['state']): Lamp {
  const word = { active: 'On', paused: 'Paused', ended: 'Ended' }[state];
  return { ...lampOf(stateLamps[state]), word };
}

/** What became of a firing: of a started one how its run stands. */
export function firingLamp({ outcome, runStatus }: Firing): Lamp {
  return lampOf(outcome === 'started' ? (runStatus ?? 'started') : outcome);
}

/** What a trigger hears. */
export function onText({ kind, watches }: Pick<Trigger, 'kind' | 'watches'>): string {
  if (kind === 'webhook') return 'a signed call of its hook';
  return kind === 'event' ? `the event ${watches ?? ''}` : `the end of a run of ${watches ?? ''}`;
}
