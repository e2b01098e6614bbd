import type { Run } from '@signalbox/sdk/client/runs.js';
import { counted, formatCount, formatPercent } from './text.ts';
import { formatSpan } from './time.ts';

/** One figure about many things, and what matters most about them. */
export interface Summary {
  figure: string;
  note: string;
}

/** `7 of 7 up`, and of those that are not, the first with its reason. */
export function summaryOf<T extends { name: string; status: string }>(
  things: readonly T[],
  isWell: (thing: T) => boolean,
  word: string,
  reasonOf: (thing: T) => string,
): Summary {
  if (things.length === 0) return { figure: 'None', note: 'none yet' };
  const unwell = things.filter((thing) => !isWell(thing)).toSorted((a, b) => Number(isBroken(b)) - Number(isBroken(a)));
  const first = unwell[0];
  if (!first) return { figure: `${things.length} ${word}`, note: things.length === 1 ? 'it is as it should be' : 'all as they should be' };
  const more = unwell.length > 1 ? `, and ${unwell.length - 1} more` : '';
  return { figure: `${things.length - unwell.length} of ${things.length} ${word}`, note: `${first.name}: ${reasonOf(first)}${more}` };
}

function isBroken({ status }: { status: string }): boolean {
  return status === 'failed' || status === 'down';
}

/** How many agents are healthy. One that nobody has seen yet is neither well nor unwell, and is counted apart. */
export function agentsSummary(agents: readonly { name: string; status: string; statusReason?: string }[]): Summary {
  const seen = agents.filter(({ status }) => status !== 'idle' && status !== 'unknown');
  const idle = agents.length - seen.length;
  if (seen.length === 0 && idle > 0) return { figure: `${idle} idle`, note: 'none is live yet' };
  const summary = summaryOf(
    seen,
    ({ status }) => status === 'healthy',
    'healthy',
    ({ statusReason, status }) => statusReason ?? status,
  );
  return idle === 0 ? summary : { ...summary, note: `${summary.note} · ${idle} idle` };
}

/** What the latest runs came to: going, failed, and how long those that succeeded took (median). Nothing here is estimated. */
export function runsSummary(runs: readonly Pick<Run, 'status' | 'startedAt' | 'endedAt' | 'workflow'>[]): Summary {
  if (runs.length === 0) return { figure: 'None', note: 'none yet' };
  const going = runs.filter(({ status }) => ['running', 'queued', 'waiting'].includes(status)).length;
  const ended = runs.filter(({ status }) => status === 'succeeded' || status === 'failed');
  const succeeded = ended.filter(({ status }) => status === 'succeeded');
  const figure =
    going > 0
      ? `${going} going`
      : ended.length > 0
        ? `${formatPercent(succeeded.length / ended.length)} succeeded`
        : counted(runs.length, 'run');
  const spans = succeeded.flatMap(({ startedAt, endedAt }) => (startedAt && endedAt ? [Date.parse(endedAt) - Date.parse(startedAt)] : []));
  spans.sort((a, b) => a - b);
  const middle = spans[Math.floor((spans.length - 1) / 2)];
  const parts = [`of the latest ${ended.length}: ${succeeded.length} succeeded, ${ended.length - succeeded.length} failed`];
  if (middle !== undefined) parts.push(`median ${formatSpan(middle)}`);
  return { figure, note: ended.length === 0 ? 'none has ended yet' : parts.join(' · ') };
}

/** `1 failed, 3 healthy of 4`: how many stand how, what hurts first. */
export function countsSentence(things: readonly { status: string }[], order: readonly string[], none: string): string {
  if (things.length === 0) return none;
  const statuses = [...new Set([...order, ...things.map(({ status }) => status)])];
  const parts = statuses.flatMap((status) => {
    const count = things.filter((thing) => thing.status === status).length;
    return count > 0 ? [`${formatCount(count)} ${status}`] : [];
  });
  return `${parts.join(', ')}.`;
}
