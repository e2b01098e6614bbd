import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { listKeptLimits } from '@signalbox/shared/contracts/execution/list-kept-limits.js';
import { agentQueueKey, shardOfQueue } from '@signalbox/shared/contracts/execution/queue-key.js';
import { resolveAgent, type ResolveAgentReply } from '@signalbox/shared/contracts/registry/resolve-agent.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { Engine } from '../shards/engine.ts';

/** A change is told by the registry; one that was missed is noticed after this. */
const keepMs = 15_000;
const knownMax = 10_000;
/** Queues of other agents whose names hold this one's come with it. */
const alikeMax = 50;

/** Whether agents can take work, and how long their tasks wait. */
@Injectable()
export class AgentCapacity {
  private readonly known = new Map<string, { away: string | undefined; at: number }>();

  constructor(
    private readonly bus: Bus,
    private readonly engine: Engine,
  ) {}

  /** Something of the agent or of its instances has changed. */
  forget(workspace: string, agent: string): void {
    this.known.delete(`${workspace} ${agent}`);
  }

  /** Why nobody can take work of the agent; undefined: somebody can. */
  async away(agent: string, caller: Caller): Promise<string | undefined> {
    const key = `${caller.workspace} ${agent}`;
    const known = this.known.get(key);
    if (known !== undefined && performance.now() - known.at < keepMs) return known.away;
    if (this.known.size >= knownMax) this.known.clear();
    const entry = { away: undefined as string | undefined, at: performance.now() };
    this.known.set(key, entry);
    try {
      entry.away = awayText(await this.bus.request(resolveAgent, { name: agent }, caller));
    } catch (thrown) {
      if (Fault.from(thrown).code !== 'not_found') {
        if (this.known.get(key) === entry) this.known.delete(key);
        throw thrown;
      }
      entry.away = 'it is not registered';
    }
    return entry.away;
  }

  /** How long the oldest task of the agent waits, in milliseconds; asked of whoever keeps its queue. */
  async waitMs(workspace: string, agent: string): Promise<number> {
    const shard = shardOfQueue(agentQueueKey(workspace, agent));
    if (this.engine.owns(shard)) {
      const oldest = this.engine.dispatcher.queues.find(workspace, agent)?.oldestAt ?? Infinity;
      return Math.max(0, performance.now() - oldest);
    }
    const asked = { workspace, kind: 'agent' as const, waiting: true, q: agent, limit: alikeMax };
    const { limits } = await this.bus.request(listKeptLimits, asked, 'service', { shard });
    const oldestAt = limits.find(({ name }) => name === agent)?.oldestAt ?? null;
    return oldestAt === null ? 0 : Math.max(0, now() - Date.parse(oldestAt));
  }
}

function awayText({ kind, status, statusReason, breaker, instances, isolated = [] }: ResolveAgentReply): string | undefined {
  const isThere =
    kind === 'worker'
      ? instances.some((one) => one.status === 'live' && !isolated.includes(one.instance))
      : breaker !== 'open' && status !== 'failed';
  if (isThere && status !== 'isolated') return undefined;
  return statusReason ?? `it is ${status}`;
}
