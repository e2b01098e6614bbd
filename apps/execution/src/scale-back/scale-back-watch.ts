import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { shardOfQueue } from '@signalbox/shared/contracts/execution/queue-key.js';
import { SystemDatabase, WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { ServiceLifecycle } from '@signalbox/shared/service/service-lifecycle.js';
import { childTraceparent, inCall } from '@signalbox/shared/telemetry/call-context.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { scaleBackOf } from '@signalbox/workflow/language/scale-back.js';
import { Engine } from '../shards/engine.ts';
import { Definitions } from '../workflows/definitions.ts';
import { WorkflowStore } from '../workflows/workflow.store.ts';
import { AgentCapacity } from './agent-capacity.ts';
import { needsOf, shortageOf, type Capacity, type Shortage } from './capacity.ts';
import { turnOf, type Seen } from './hysteresis.ts';
import { scaleMetrics } from './scale-metrics.ts';
import { ScaleBackStore, type ScaledRow } from './scale-back.store.ts';

const everyMs = 1_000;
const togetherMax = 8;
/** Who acts where nobody does. */
const itself = { principal: 'execution', name: 'execution' };

interface Watched {
  row: ScaledRow;
  seen: Seen | undefined;
  /** What was in the way at the last look: said once. */
  trouble: string | undefined;
}

/**
 * Looks whether capacity is short for workflows that name a smaller one, and has new runs get that. Each workflow is looked after by the owner of a shard: it asks
 * those who keep the queues of its agents, and the registry when something of an agent has changed. What lasted how long is in its memory, and counted anew elsewhere.
 */
@Injectable()
export class ScaleBackWatch implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly watched = new Map<string, Watched>();
  private timer: NodeJS.Timeout | undefined;
  private round: Promise<void> | undefined;

  constructor(
    private readonly engine: Engine,
    private readonly bus: Bus,
    private readonly db: WorkspaceDatabase,
    private readonly system: SystemDatabase,
    private readonly store: ScaleBackStore,
    private readonly workflows: WorkflowStore,
    private readonly definitions: Definitions,
    private readonly capacity: AgentCapacity,
    lifecycle: ServiceLifecycle,
  ) {
    lifecycle.measure(() => scaleMetrics([...this.watched.values()].map(({ row }) => row)));
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.round ??= inCall({ traceparent: childTraceparent() }, () => this.look())
        .catch((err: unknown) => log.warn('it was not looked whether capacity is short', { err }))
        .finally(() => (this.round = undefined));
    }, everyMs);
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    await this.round;
  }

  private async look(): Promise<void> {
    if (!this.engine.isReady) return;
    const rows = (await this.store.all()).filter((row) => this.engine.owns(shardOfQueue(`workflow ${keyOf(row)}`)));
    const keys = new Set(rows.map(keyOf));
    for (const key of this.watched.keys()) if (!keys.has(key)) this.watched.delete(key);
    const queue = rows.values();
    const work = async (): Promise<void> => {
      for (const row of queue) await this.lookAt(row);
    };
    await Promise.all(Array.from({ length: Math.min(togetherMax, rows.length) }, work));
  }

  private async lookAt(row: ScaledRow): Promise<void> {
    const watched = this.watched.get(keyOf(row)) ?? { row, seen: undefined, trouble: undefined };
    this.watched.set(keyOf(row), watched);
    watched.row = row;
    try {
      await this.decide(row, watched);
      watched.trouble = undefined;
    } catch (err) {
      // What is not known is neither short nor there: what lasted so far does not count.
      watched.seen = undefined;
      const trouble = err instanceof Error ? err.message : String(err);
      if (trouble !== watched.trouble)
        log.warn('it is not known whether capacity is short', { workspace: row.workspace, workflow: row.name, err });
      watched.trouble = trouble;
    }
  }

  private async decide(row: ScaledRow, watched: Watched): Promise<void> {
    const { workspace, name } = row;
    const definition = await this.definitions.known(this.system.source, workspace, row.hash);
    const policy = scaleBackOf(definition.manifest.spec);
    if (policy === undefined) return;
    const needs = needsOf(this.definitions.compile(definition), policy);
    const shortage = await this.shortage(row, needs, policy.waitOverMs);
    const look = { at: performance.now(), isShort: shortage !== undefined, isScaledBack: row.scaled_how !== null };
    const { seen, move } = turnOf(watched.seen, look, policy);
    watched.seen = seen;
    if (move === undefined || row.scaled_how === 'hand') return;
    if (move === 'begin' && !row.has_variant) throw new Error(`${name} is short of capacity, and there is no workflow ${row.scale_to}`);
    const because = shortage?.because ?? 'all that it needs is there again';
    const facts = { how: 'auto' as const, because, by: itself, ...(shortage && { agents: shortage.agents }) };
    const isDone = await this.db.inWorkspace(workspace, (tx) => this.store[move](tx, workspace, name, facts));
    this.workflows.forget(workspace, name);
    if (isDone)
      log.warn(move === 'begin' ? 'a workflow was scaled back' : 'a workflow was restored', { workspace, workflow: name, because });
  }

  private async shortage(
    { workspace, scale_grant: grant }: ScaledRow,
    needs: string[][],
    waitOverMs?: number,
  ): Promise<Shortage | undefined> {
    const caller = await this.bus.as(grant);
    const found = new Map<string, Capacity>();
    for (const agent of new Set(needs.flat())) {
      const away = await this.capacity.away(agent, caller);
      const waitMs = waitOverMs === undefined ? 0 : await this.capacity.waitMs(workspace, agent);
      found.set(agent, { waitMs, ...(away !== undefined && { away }) });
    }
    return shortageOf(needs, (agent) => found.get(agent) as Capacity, waitOverMs);
  }
}

function keyOf({ workspace, name }: ScaledRow): string {
  return `${workspace} ${name}`;
}
