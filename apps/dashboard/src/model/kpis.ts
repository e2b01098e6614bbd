import type { Kpi, KpiName, KpiWindow } from '@signalbox/sdk/client/kpis.js';
import type { Lamp } from './lamps.ts';
import { lampOf } from './lamps.ts';
import { counted } from './text.ts';
import { formatSpan } from './time.ts';

export const windows: Record<KpiWindow, string> = {
  '1h': 'last hour',
  '6h': 'last 6 hours',
  '1d': 'last day',
  '7d': 'last 7 days',
  '30d': 'last 30 days',
};

/** What each is called, and what is counted in it. */
export const kpiWords: Record<KpiName, { title: string; says: string }> = {
  latency: { title: 'Latency added', says: 'What Signalbox adds to each task, without waiting for a free worker.' },
  errors: { title: 'Errors of ours', says: 'Requests that failed by Signalbox itself.' },
  availability: { title: 'Availability', says: 'Requests that were not answered since a service was away or late.' },
  services: { title: 'Services that answer', says: 'Looks at the services, every 3 s, that found one up.' },
  'agent-errors': { title: 'Errors of agents', says: 'Attempts of agents that failed. Not counted among ours.' },
  'longest-path': { title: 'Against the longest path', says: 'How long runs of several agents took, against their longest path.' },
  'single-agent': { title: 'Against a single agent', says: 'How long they took, against one agent that does all by itself.' },
  isolate: { title: 'Time to isolate', says: 'From when a fault was noticed until its instance was out of routing.' },
  redistribute: { title: 'Time to redistribute', says: 'From then until others had its tasks.' },
  recover: { title: 'Time to recover', says: 'From then until it was let in again.' },
};

const highs: ReadonlySet<KpiName> = new Set<KpiName>(['availability', 'services']);

export function windowOf(text: string | null): KpiWindow {
  return text !== null && text in windows ? (text as KpiWindow) : '1h';
}

/** A value of a KPI with its unit. */
export function kpiFigure(value: number | null, unit: Kpi['unit']): string {
  if (value === null) return '–';
  if (unit === 'ms') return formatSpan(value);
  return unit === 'ratio' ? `${Number(value.toPrecision(3))} ×` : `${Number((value * 100).toPrecision(5))} %`;
}

export function targetText({ name, unit, target }: Pick<Kpi, 'name' | 'unit' | 'target'>): string {
  return target === null ? '–' : `${highs.has(name) ? 'at least' : 'at most'} ${kpiFigure(target, unit)}`;
}

/** How a KPI stands: what burns is said before all else. */
export function kpiLamp({ met, count, target, burn }: Pick<Kpi, 'met' | 'count' | 'target' | 'burn'>): Lamp {
  if (burn.some(({ burning }) => burning)) return { ...lampOf('failed'), word: 'Burning' };
  if (count === 0) return { ...lampOf('idle'), word: 'Not measured' };
  if (target === null || met === null) return { ...lampOf('idle'), word: 'No target' };
  return met ? { ...lampOf('healthy'), word: 'Met' } : { ...lampOf('degraded'), word: 'Missed' };
}

/** The pair of windows that burns, else the shortest. */
export function burnText({ burn }: Pick<Kpi, 'burn'>): string {
  const shown = burn.find(({ burning }) => burning) ?? burn[0];
  return shown === undefined ? '–' : `${Number(shown.longRate.toPrecision(2))} × over ${shown.long}`;
}

export function budgetText({ budgetLeft }: Pick<Kpi, 'budgetLeft'>): string {
  if (budgetLeft === null) return '–';
  return budgetLeft < 0 ? `overdrawn by ${Math.round(-budgetLeft * 100)} %` : `${Math.round(budgetLeft * 100)} %`;
}

/** The line of a KPI over time in a box of 100 by 100: a path for each stretch without a gap, and where the target lies, if it is within. */
export function lineOf({ points, target }: Pick<Kpi, 'points' | 'target'>): { paths: string[]; targetAt: number | null; top: number } {
  const top = Math.max(...points.map(({ value }) => value ?? 0), 0) * 1.05 || 1;
  const x = (at: number): number => (points.length < 2 ? 50 : Number(((at / (points.length - 1)) * 100).toFixed(2)));
  const y = (value: number): number => Number((100 - (value / top) * 100).toFixed(2));
  const paths: string[] = [];
  let open: string[] = [];
  const close = (): void => {
    // A point alone is a short stroke: it would not be seen.
    if (open.length === 1) open.push(`h 0.6`);
    if (open.length > 0) paths.push(`M ${open.join(' L ').replace(' L h', ' h')}`);
    open = [];
  };
  points.forEach(({ value }, at) => {
    if (value === null) close();
    else open.push(`${x(at)} ${y(value)}`);
  });
  close();
  return { paths, targetAt: target === null || target > top ? null : y(target), top };
}

/** One sentence of how they stand. */
export function kpisSentence(kpis: readonly Kpi[], window: KpiWindow): string {
  const measured = kpis.filter(({ count }) => count > 0);
  if (measured.length === 0) return `Nothing was measured in the ${windows[window]}.`;
  const burning = kpis.filter(({ burn }) => burn.some((one) => one.burning));
  if (burning.length > 0) return `${counted(burning.length, 'error budget burns', 'error budgets burn')} too fast.`;
  const missed = measured.filter(({ met }) => met === false);
  return missed.length === 0
    ? `All targets were met in the ${windows[window]}.`
    : `${counted(missed.length, 'target was', 'targets were')} missed in the ${windows[window]}.`;
}
