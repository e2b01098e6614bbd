import type { Rollout, RolloutCheck } from '@signalbox/sdk/client/rollouts.js';
import { shareText } from './evals.ts';
import { lampOf, type Lamp } from './lamps.ts';

/** Whether it is under way. */
export function isOpen({ status }: Pick<Rollout, 'status'>): boolean {
  return status === 'progressing' || status === 'paused';
}

/** What goes to the new version at a step. */
export function stepText({ share, labels }: Rollout['plan']['steps'][number]): string {
  const whose = Object.entries(labels ?? {}).map(([name, value]) => `${name}=${value}`);
  return `${shareText(share)} of the calls${whose.length > 0 ? ` and runs with ${whose.join(', ')}` : ''}`;
}

/** Whether a step is over, under way or to come. */
export function stepLamp({ status, step }: Pick<Rollout, 'status' | 'step'>, at: number): Lamp {
  if (at < step || status === 'promoted') return lampOf('done');
  if (at > step) return lampOf('pending');
  if (status === 'rolled-back') return lampOf('failed');
  return lampOf(status === 'progressing' ? 'running' : status === 'paused' ? 'waiting' : 'stopped');
}

/** How a measure stands. */
export function checkLamp({ standing }: Pick<RolloutCheck, 'standing'>): Lamp {
  const [state, word] = { met: ['done', 'Holds'], failed: ['failed', 'Does not'], open: ['waiting', 'Not known yet'] }[standing] as [
    string,
    string,
  ];
  return { ...lampOf(state), word };
}
