import type { MetricCheck, StageCheck, StageHolder } from '@signalbox/sdk/client/stages.js';
import type { Lamp } from './lamps.ts';
import { lampOf } from './lamps.ts';
import { counted } from './text.ts';

const metricLamps: Record<string, readonly [status: string, word: string]> = {
  met: ['healthy', 'Met'],
  short: ['failed', 'Short'],
  missing: ['waiting', 'No evidence'],
  expired: ['waiting', 'Expired'],
  'no-baseline': ['waiting', 'Not comparable'],
};

/** How a metric stands against its target. */
export function metricLamp({ standing, shortBy }: Pick<MetricCheck, 'standing' | 'shortBy'>): Lamp {
  const [status, word] = metricLamps[standing] ?? ['unknown', standing];
  return { ...lampOf(status), word: shortBy === undefined ? word : `Short by ${figure(shortBy)}` };
}

/** How a version stands towards a stage. */
export function stageLamp({ held, allowed, blockers }: StageCheck): Lamp {
  if (held) return { ...lampOf('done'), word: 'Is there' };
  if (allowed) return { ...lampOf('ready'), word: 'May get there' };
  return { ...lampOf('waiting'), word: `${counted(blockers.length, 'thing')} missing` };
}

/** Who is at a stage. */
export function holderOf(stage: string, holders: readonly StageHolder[]): StageHolder | null {
  return holders.find((holder) => holder.stage === stage) ?? null;
}

/** `full-access` as people read it. */
export function stageName(stage: string): string {
  return stage.charAt(0).toUpperCase() + stage.slice(1).replaceAll('-', ' ');
}

/** A figure, short enough for a table. */
export function figure(value: number): string {
  return String(Number(value.toPrecision(6)));
}
