import type { MirrorResult, Rollout, RolloutCheck } from '@signalbox/sdk/client/rollouts.js';
import { shareText } from './evals.ts';
import { lampOf, type Lamp } from './lamps.ts';

/** Whether it is under way. */
export function isOpen({ status }: Pick<Rollout, 'status'>): boolean {
  return status === 'progressing' || status === 'paused';
}

/** What goes to the new version at a step. */
export function stepText({ share, labels, mirror = 0 }: Rollout['plan']['steps'][number]): string {
  const whose = Object.entries(labels ?? {}).map(([name, value]) => `${name}=${value}`);
  const mirrored = mirror > 0 ? `, ${shareText(mirror)} of the others mirrored` : '';
  return `${shareText(share)} of the calls${whose.length > 0 ? ` and runs with ${whose.join(', ')}` : ''}${mirrored}`;
}

/** Whether a step is over, under way or to come. */
export function stepLamp({ status, step }: Pick<Rollout, 'status' | 'step'>, at: number): Lamp {
  if (at < step || status === 'promoted') return lampOf('done');
  if (at > step) return lampOf('pending');
  if (status === 'rolled-back') return lampOf('failed');
  return lampOf(status === 'progressing' ? 'running' : status === 'paused' ? 'waiting' : 'stopped');
}

/** How calls went that both versions had, in a sentence. */
export function mirrorText({ pairs, skipped, equal, totalUsd, isSpent }: MirrorResult): string {
  const same = equal === undefined ? '' : `, ${shareText(equal)} answered the same`;
  const spent = isSpent ? ', as much as they may: no more are mirrored' : '';
  return `${pairs} mirrored calls${same}, ${skipped} skipped. Together they cost ${totalUsd.toFixed(4)} USD${spent}.`;
}

/** How a measure stands. */
export function checkLamp({ standing }: Pick<RolloutCheck, 'standing'>): Lamp {
  const [state, word] = { met: ['done', 'Holds'], failed: ['failed', 'Does not'], open: ['waiting', 'Not known yet'] }[standing] as [
    string,
    string,
  ];
  return { ...lampOf(state), word };
}
