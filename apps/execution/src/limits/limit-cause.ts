import type { PlaceHolder } from '@signalbox/shared/contracts/execution/why-run.js';
import { runOfPlace } from '@signalbox/shared/contracts/execution/task-id.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { holdersMax, type QueueCause } from '../dispatch/queue-cause.ts';
import type { KeptLimit } from './kept-limit.ts';
import { limitText, ofRuns, type LimitKey } from '@signalbox/workflow/core/limits.js';
import type { LimitKeeper } from './limit-keeper.ts';
import type { AwaitedPlace } from './limited-places.ts';

/** Why a task is not queued, or a run has not begun, that waits for a place. Without its keeper, who to ask. */
export function limitCause(task: string, { claim, limit, shard }: AwaitedPlace, keeper: LimitKeeper | undefined): QueueCause {
  const cause: QueueCause = {
    kind: 'limit',
    on: limitText(claim),
    because: `it waits for a place of ${textOf(claim)}, which another replica of execution gives out`,
    next: null,
    holders: () => [],
  };
  if (keeper === undefined) return { ...cause, elsewhere: { shard, task, limit, alike: task } };
  return causeOfLimit(task, keeper.find(claim)) ?? { ...cause, because: `it is about to get a place of ${textOf(claim)}` };
}

/** What keeps a task or a run waiting in a limit that is kept here; undefined where it does not. */
export function causeOfLimit(task: string, limit: KeptLimit | undefined): QueueCause | undefined {
  if (limit?.queue.find(task)?.state !== 'waits') return undefined;
  const { queue } = limit;
  const { concurrency, rate } = queue.numbers;
  const place = [...queue.inLine()].findIndex(({ id }) => id === task) + 1;
  const line = queue.waiting === 1 ? 'nothing else waits' : `of ${queue.waiting} that wait this is number ${place}`;
  const name = textOf(limit);
  const on = limitText(limit);
  const holders = (): PlaceHolder[] => holdersOf(limit);
  if (concurrency !== undefined && queue.holders >= concurrency) {
    const next = `Wait for one of them, cancel a run that holds a place, or raise the concurrency of ${nameOf(limit)}.`;
    return { kind: 'limit', on, because: `${takenText(limit, concurrency)}, and ${line}`, next, holders };
  }
  const waitMs = queue.waitMs(performance.now());
  if (rate !== undefined && waitMs > 0) {
    const until = new Date(now() + waitMs).toISOString();
    const because = `${rateText(limit, rate)}, the next at ${until}, and ${line}`;
    return { kind: 'limit', on, because, next: `Wait, or raise the rate of ${nameOf(limit)}.`, until, holders };
  }
  return { kind: 'limit', on, because: `the places of ${name} are being counted after a move, and ${line}`, next: null, holders };
}

/** Who holds its places, the longest first; at most ten. */
export function holdersOf({ queue }: KeptLimit): PlaceHolder[] {
  return [...queue.all()]
    .filter(({ state }) => state === 'held')
    .sort((a, b) => a.since - b.since)
    .slice(0, holdersMax)
    .map(({ id, step, since }) => ({ run: runOfPlace(id), step, instance: null, since: new Date(since).toISOString() }));
}

/** Why nobody gets a place of it now. */
export function fullText(limit: KeptLimit): string {
  const { numbers, holders, waiting } = limit.queue;
  if (numbers.concurrency !== undefined && holders >= numbers.concurrency) return takenText(limit, numbers.concurrency);
  if (numbers.rate !== undefined && limit.queue.waitMs(performance.now()) > 0) return rateText(limit, numbers.rate);
  return `${waiting} wait for ${textOf(limit)} already`;
}

/** `the limit customer for acme`, of runs `the limit customer of runs for acme`. */
export function textOf(limit: LimitKey): string {
  const of = limit.name.startsWith(ofRuns) ? ' of runs' : '';
  return `the limit ${nameOf(limit)}${of}${limit.key === '' ? '' : ` for ${limit.key}`}`;
}

function takenText(limit: KeptLimit, concurrency: number): string {
  return concurrency === 1 ? `the only place of ${textOf(limit)} is taken` : `all ${concurrency} places of ${textOf(limit)} are taken`;
}

function rateText(limit: KeptLimit, { max, perMs }: { max: number; perMs: number }): string {
  return `${textOf(limit)} lets ${max} begin in ${secondsText(perMs)}`;
}

/** As the workflow's file names it. */
export function nameOf({ name }: Pick<LimitKey, 'name'>): string {
  return name.startsWith(ofRuns) ? name.slice(ofRuns.length) : name;
}

function secondsText(ms: number): string {
  return ms % 60_000 === 0 ? `${ms / 60_000} min` : `${ms / 1_000} s`;
}
