import type { RunEvent } from '@signalbox/sdk/client/runs.js';
import { problemText } from './run.ts';

/** What an event says, as a line of a log. The step's name stands beside it where events of several steps are shown. */
export function eventText(event: RunEvent): string {
  const on = event.instance ? ` on ${event.instance}` : event.agent ? ` by ${event.agent}` : '';
  const attempt = event.attempt !== undefined && event.attempt > 1 ? `attempt ${event.attempt} ` : '';
  const why = problemText(event.error);
  const more = event.message ?? why;
  switch (event.type) {
    case 'run.started':
      return event.message === undefined ? 'the run started' : `the run ${event.message}`;
    case 'run.admitted':
      return 'the run has its places and begins';
    case 'run.succeeded':
      return 'the run succeeded';
    case 'run.failed':
      return `the run failed${more ? `: ${more}` : ''}`;
    case 'run.cancelled':
      return `the run was cancelled${more ? `: ${more}` : ''}`;
    case 'step.queued':
      return `queued${event.message ? `: ${event.message}` : ''}`;
    case 'step.started':
      return `${attempt}started${on}`;
    case 'step.progress':
      return more ?? 'goes on';
    case 'step.succeeded':
      return `${attempt}succeeded${on}`;
    case 'step.degraded':
      return `degraded${more ? `: ${more}` : ''}`;
    case 'step.failed':
      return `${attempt}failed${on}${more ? `: ${more}` : ''}`;
    case 'step.retrying':
      return `is tried again${more ? `: ${more}` : ''}`;
    case 'step.moved':
      return more ?? 'went to another agent';
    case 'step.waiting':
      return `waits ${more ?? ''}`.trim();
    case 'step.escalated':
      return `more people were asked${more ? `: ${more}` : ''}`;
    case 'step.reminded':
      return `who may answer was reminded${more ? `: ${more}` : ''}`;
    case 'step.answered':
      return more ?? 'was answered';
    case 'step.resolved':
      return `a person said: ${event.message ?? ''}`;
    case 'run.ending':
      return `the run ends${more ? `: ${more}` : ''}`;
    case 'run.quarantined':
      return `the run was set aside${more ? `: ${more}` : ''}`;
    case 'run.released':
      return `the run was released${more ? ` ${more}` : ''}`;
    case 'run.upgraded':
      return `the run goes on by another definition${more ? `, ${more}` : ''}`;
    case 'run.signalled':
      return `the signal ${event.message ?? ''} came`;
    case 'step.skipped':
      return `skipped${more ? `: ${more}` : ''}`;
    default:
      return `${event.type}${more ? `: ${more}` : ''}`;
  }
}

/** The status that an event's lamp shows. */
export function eventStatus({ type }: Pick<RunEvent, 'type'>): string {
  const verb = type.split('.')[1] ?? '';
  return (
    {
      started: 'running',
      progress: 'running',
      ending: 'running',
      upgraded: 'running',
      resolved: 'running',
      retrying: 'waiting',
      moved: 'waiting',
    }[verb] ?? verb
  );
}

/** Adds events that arrived: each once, in order. Progress has no number of its own and always counts as new. */
export function merged(known: readonly RunEvent[], arrived: readonly RunEvent[]): RunEvent[] {
  let last = -1;
  for (const { seq } of known) last = Math.max(last, seq);
  const fresh: RunEvent[] = [];
  for (const event of arrived) {
    if (event.seq <= last && event.type !== 'step.progress') continue;
    last = Math.max(last, event.seq);
    fresh.push(event);
  }
  return fresh.length === 0 ? [...known] : [...known, ...fresh];
}

/** Only errors, and what follows from them. */
export function isTrouble({ type }: Pick<RunEvent, 'type'>): boolean {
  return (
    type.endsWith('.failed') || type === 'step.retrying' || type === 'step.moved' || type === 'step.degraded' || type === 'run.cancelled'
  );
}
