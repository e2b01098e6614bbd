import type { PlaceHolder } from '@signalbox/shared/contracts/execution/why-run.js';
import { parseTask } from '@signalbox/shared/contracts/execution/task-id.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { holdersMax, type QueueCause } from '../dispatch/queue-cause.ts';
import type { KeptLimit } from './kept-limit.ts';
import type { LimitKeeper } from './limit-keeper.ts';
import type { AwaitedPlace } from './limited-tasks.ts';

/** Why a task is not queued that waits for a place. Without its keeper, who to ask. */
export function limitCause(task: string, { claim, limit, shard }: AwaitedPlace, keeper: LimitKeeper | undefined): QueueCause {
  const cause: QueueCause = {
    kind: 'limit',
    on: nameOf(claim),
    because: `it waits for a place of ${textOf(claim)}, which another replica of execution gives out`,
    next: null,
    holders: () => [],
  };
  if (keeper === undefined) return { ...cause, elsewhere: { shard, task, limit, alike: task } };
  return causeOfLimit(task, keeper.find(claim)) ?? { ...cause, because: `it is about to get a place of ${textOf(claim)}` };
}

/** What keeps a task waiting in a limit that is kept here; undefined where it does not. */
export function causeOfLimit(task: string, limit: KeptLimit | undefined): QueueCause | undefined {
  if (limit?.queue.find(task)?.state !== 'waits') return undefined;
  const { queue } = limit;
  const { concurrency, rate } = queue.numbers;
  const place = [...queue.inLine()].findIndex(({ id }) => id === task) + 1;
  const line = queue.waiting === 1 ? 'nothing else waits' : `of ${queue.waiting} that wait this is number ${place}`;
  const name = textOf(limit);
  const on = nameOf(limit);
  const holders = (): PlaceHolder[] => holdersOf(limit);
  if (concurrency !== undefined && queue.holders >= concurrency) {
    const taken = concurrency === 1 ? `the only place of ${name} is taken` : `all ${concurrency} places of ${name} are taken`;
    const next = `Wait for one of them, cancel a run that holds a place, or raise the concurrency of ${limit.name}.`;
    return { kind: 'limit', on, because: `${taken}, and ${line}`, next, holders };
  }
  const waitMs = queue.waitMs(performance.now());
  if (rate !== undefined && waitMs > 0) {
    const until = new Date(now() + waitMs).toISOString();
    const because = `${name} lets ${rate.max} begin in ${secondsText(rate.perMs)}, the next at ${until}, and ${line}`;
    return { kind: 'limit', on, because, next: `Wait, or raise the rate of ${limit.name}.`, until, holders };
  }
  return { kind: 'limit', on, because: `the places of ${name} are being counted after a move, and ${line}`, next: null, holders };
}

/** Who holds its places, the longest first; at most ten. */
export function holdersOf({ queue }: KeptLimit): PlaceHolder[] {
  return [...queue.all()]
    .filter(({ state }) => state === 'held')
    .sort((a, b) => a.since - b.since)
    .slice(0, holdersMax)
    .map(({ id, step, since }) => ({ run: parseTask(id).run, step, instance: null, since: new Date(since).toISOString() }));
}

function nameOf({ name, key }: { name: string; key: string }): string {
  return `limit:${name}${key === '' ? '' : `/${key}`}`;
}

function textOf({ name, key }: { name: string; key: string }): string {
  return key === '' ? `the limit ${name}` : `the limit ${name} for ${key}`;
}

function secondsText(ms: number): string {
  return ms % 60_000 === 0 ? `${ms / 60_000} min` : `${ms / 1_000} s`;
}
