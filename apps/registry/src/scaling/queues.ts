import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import type { LimitView } from '@signalbox/shared/contracts/execution/limit-view.js';
import { listLimits } from '@signalbox/shared/contracts/execution/list-limits.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { emptyQueue, type QueueFact } from './scale.ts';

/** How long an answer counts: all deployments and readers of a workspace share it. */
const freshMs = 900;
/** Of one page. */
const timeoutMs = 2_000;
/** Workspaces whose answers are remembered. */
const workspacesMax = 1_000;
/** Pages of queues that are read at most, 200 each. */
const pagesMax = 50;

/** The queues of a workspace's agents; an agent without one has nothing to do. */
export type Queues = (agent: string) => QueueFact;

/** Asks execution what waits for agents, with the rights of who wants to know. */
@Injectable()
export class QueueReader {
  private readonly known = new Map<string, { at: number; queues: Promise<Queues> }>();

  constructor(private readonly bus: Bus) {}

  /** Of the agents of a workspace. `unavailable` when a part of execution did not answer: what it keeps may be most of it. */
  of(caller: Caller): Promise<Queues> {
    // Rights differ between callers, so that no answer goes to another than who asked for it.
    const { workspace, principal, roles, scopes } = caller;
    const key = JSON.stringify([workspace, principal, roles, scopes]);
    const known = this.known.get(key);
    if (known && performance.now() - known.at < freshMs) return known.queues;
    if (this.known.size >= workspacesMax) this.known.clear();
    const queues = this.read(caller);
    this.known.set(key, { at: performance.now(), queues });
    queues.catch(() => this.known.delete(key));
    return queues;
  }

  private async read(caller: Caller): Promise<Queues> {
    const found = new Map<string, QueueFact>();
    let cursor: string | null = null;
    for (let page = 0; page < pagesMax; page++) {
      const { data, nextCursor, missing }: { data: LimitView[]; nextCursor: string | null; missing: number } = await this.bus.request(
        listLimits,
        { kind: 'agent' as const, limit: 200, ...(cursor !== null && { cursor }) },
        caller,
        { timeoutMs },
      );
      if (missing > 0) throw new Fault('unavailable', 'a part of execution did not say what waits for agents', 'Ask again in a moment.');
      for (const { name, waiting, running, oldestAt } of data) {
        found.set(name, { waiting, running, oldestMs: oldestAt === null ? 0 : Math.max(0, Math.round(now() - Date.parse(oldestAt))) });
      }
      if (nextCursor === null) break;
      cursor = nextCursor;
    }
    return (agent) => found.get(agent) ?? emptyQueue;
  }
}
