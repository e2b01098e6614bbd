import { Injectable } from '@nestjs/common';
import type { ListKeptLimitsReply, ListKeptLimitsRequest } from '@signalbox/shared/contracts/execution/list-kept-limits.js';
import { limitKinds, type LimitKind, type LimitRateView, type LimitView } from '@signalbox/shared/contracts/execution/limit-view.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import type { AgentQueue } from '../dispatch/agent-queue.ts';
import { calledMax, shareMax } from '../dispatch/called-turns.ts';
import { ofRuns } from '@signalbox/workflow/core/limits.js';
import { Engine } from '../shards/engine.ts';
import type { KeptLimit } from './kept-limit.ts';
import { holdersOf, nameOf } from './limit-cause.ts';

/** The limits and queues that this replica keeps, as they stand now. */
@Injectable()
export class KeptLimits {
  constructor(private readonly engine: Engine) {}

  list({ workspace, kind, waiting, q, after, limit }: ListKeptLimitsRequest): ListKeptLimitsReply {
    const { keeper, queues } = this.engine.dispatcher;
    const words = (q ?? '').toLowerCase().split(/\s+/).filter(Boolean);
    const found = [...keeper.ofWorkspace(workspace).map(limitEntry), ...queues.ofWorkspace(workspace).flatMap(queueEntry)]
      .filter((entry) => (kind === undefined || entry.kind === kind) && (waiting !== true || entry.waiting > 0))
      .filter(({ name, key }) => words.every((word) => `${name} ${key ?? ''}`.toLowerCase().includes(word)))
      .filter((entry) => after === undefined || compare(placeOf(entry), after) > 0)
      .sort((a, b) => compare(placeOf(a), placeOf(b)))
      .slice(0, limit);
    const shown = new Set(found.flatMap(({ queue }) => queue ?? []));
    const holders = this.engine.dispatcher.holdersOf(shown);
    const limits = found.map(({ queue, kept, ...entry }) => ({
      ...entry,
      holders: kept ? holdersOf(kept) : ((queue && holders.get(queue)) ?? []),
    }));
    return { limits, calls: { places: calledMax, most: shareMax, running: queues.turns.activeOf(workspace) } };
  }
}

interface Entry extends Omit<LimitView, 'holders'> {
  queue?: AgentQueue;
  kept?: KeptLimit;
}

/** What a list is ordered by: kind, name and key. */
export function placeOf({ kind, name, key }: Pick<LimitView, 'kind' | 'name' | 'key'>): [string, string, string] {
  return [kind, name, key ?? ''];
}

/** The order of two places, by kind as they are listed in `limitKinds`. */
export function compare(a: readonly string[], b: readonly string[]): number {
  const kinds = limitKinds.indexOf(a[0] as LimitKind) - limitKinds.indexOf(b[0] as LimitKind);
  if (kinds !== 0) return kinds;
  for (const at of [1, 2]) if (a[at] !== b[at]) return (a[at] ?? '') < (b[at] ?? '') ? -1 : 1;
  return 0;
}

function limitEntry(kept: KeptLimit): Entry {
  const { queue, key } = kept;
  const at = performance.now();
  const { concurrency = null } = queue.numbers;
  let oldest = Infinity;
  for (const { since } of queue.inLine()) oldest = Math.min(oldest, since);
  return {
    kind: kept.name.startsWith(ofRuns) ? 'runs' : 'limit',
    name: nameOf(kept),
    key,
    concurrency,
    rate: rateOf(kept, at),
    waiting: queue.waiting,
    running: queue.holders,
    oldestAt: oldest === Infinity ? null : new Date(oldest).toISOString(),
    kept,
  };
}

function rateOf({ queue }: KeptLimit, at: number): LimitRateView | null {
  const { rate } = queue.numbers;
  if (rate === undefined) return null;
  const waitMs = queue.waitMs(at);
  return { ...rate, left: queue.left(at) ?? 0, nextAt: waitMs === 0 ? null : new Date(now() + waitMs).toISOString() };
}

/** A queue in which nothing is, is not there for people. */
function queueEntry(queue: AgentQueue): Entry[] {
  const queued = queue.queued();
  if (queued.length === 0 && queue.active === 0) return [];
  const kind = queue.key.slice(0, queue.key.indexOf(' ')) as LimitKind;
  const oldest = queue.oldestAt;
  return [
    {
      kind,
      name: queue.key.slice(kind.length + 1 + queue.workspace.length + 1),
      key: null,
      concurrency: queue.limit === Infinity ? null : queue.limit,
      rate: null,
      waiting: queued.length,
      running: queue.active,
      oldestAt: oldest === Infinity ? null : new Date(now() - (performance.now() - oldest)).toISOString(),
      queue,
    },
  ];
}
