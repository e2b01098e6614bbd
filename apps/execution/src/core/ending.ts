import type { Failure } from './events.ts';
import type { Json } from './json.ts';
import { hasEnded } from './state.ts';
import { record, type Work } from './turn.ts';

export function end(work: Work, status: 'succeeded' | 'failed' | 'cancelled', reason: string | null, error?: Failure, output?: Json): void {
  const { state, effects } = work;
  if (hasEnded(state)) return;
  if (status !== 'succeeded') {
    state.steps.forEach((step, s) => {
      if (step.status === 'pending' || step.units.length === 0) return;
      step.units.forEach((unit, index) => {
        const i = step.isFanned ? index : -1;
        if (unit.status === 'queued' || unit.status === 'running')
          effects.push({ e: 'attemptEnded', isCancelled: true, s, i, n: unit.attempt });
        else if (unit.status === 'waiting' && unit.child !== undefined) effects.push({ e: 'cancelChild', run: unit.child });
      });
    });
  }
  record(work, {
    t: 'ended',
    at: work.given.at,
    status,
    reason,
    ...(output !== undefined && { output }),
    ...(error !== undefined && { error }),
  });
  effects.push({ e: 'ended' });
}
