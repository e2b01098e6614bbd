import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import type { Kpi } from '@signalbox/shared/contracts/registry/kpi.js';
import { kpiChanged } from '@signalbox/shared/contracts/registry/events.js';
import { SystemDatabase, WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Outbox } from '@signalbox/shared/outbox/outbox.js';
import { ServiceLifecycle } from '@signalbox/shared/service/service-lifecycle.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { ObjectiveStore } from '../objectives/objective.store.ts';
import { RegistryConfig } from '../registry.config.ts';
import { urgencyOf } from './kpi-figures.ts';
import { kpiMetrics } from './kpi-metrics.ts';
import { burnText, settledText } from './kpi-text.ts';
import { Kpis } from './kpis.ts';
import { KpiStore, type BurnRow } from './kpi.store.ts';

/** Workspaces that one round looks at; the next takes the rest. The first so many are shown among the metrics. */
const workspacesMax = 200;
/** Agents with objectives of their own, of one workspace. */
const agentsMax = 50;

/** Tells when error budgets burn too fast, keeps figures for the management port, and forgets what is old. Each replica does; what changes is written once. */
@Injectable()
export class KpiWatch implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private timer: NodeJS.Timeout | null = null;
  private round: Promise<void> | null = null;
  /** Where the next round goes on; undefined: with the first. */
  private after: string | undefined;
  /** The last hour of each of the first workspaces, as of the last round with them. */
  private figures = new Map<string, Kpi[]>();

  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly system: SystemDatabase,
    private readonly kpis: Kpis,
    private readonly store: KpiStore,
    private readonly objectives: ObjectiveStore,
    private readonly outbox: Outbox,
    private readonly config: RegistryConfig,
    lifecycle: ServiceLifecycle,
  ) {
    lifecycle.measure(() => kpiMetrics(this.figures));
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      // A round that takes long is not followed by a queue of them.
      this.round ??= this.look()
        .catch((err: unknown) => log.warn('KPIs were not looked at', { err }))
        .finally(() => (this.round = null));
    }, this.config.kpiLookMs);
  }

  async beforeApplicationShutdown(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    await this.round;
  }

  private async look(): Promise<void> {
    const at = now();
    const isFirst = this.after === undefined;
    const workspaces = await this.system.run(async (tx) => {
      await this.store.forgetOld(tx, at);
      return this.store.workspaces(tx, at, workspacesMax, this.after);
    });
    this.after = workspaces.length < workspacesMax ? undefined : workspaces.at(-1);
    const figures = new Map<string, Kpi[]>();
    for (const workspace of workspaces) {
      const all = await this.kpis.of(workspace, null, '1h', at);
      figures.set(workspace, all);
      await this.judge(workspace, null, all);
      for (const agent of await this.agentsOf(workspace))
        await this.judge(workspace, agent, await this.kpis.of(workspace, agent, '1h', at));
    }
    if (isFirst) this.figures = figures;
  }

  /** Agents that somebody has set an objective for: the others are seen in the workspace's figures. */
  private async agentsOf(workspace: string): Promise<string[]> {
    const applied = await this.db.inWorkspace(workspace, (tx) => this.objectives.all(tx));
    return [...new Set(applied.flatMap(({ manifest }) => manifest.spec.agent ?? []))].slice(0, agentsMax);
  }

  private async judge(workspace: string, agent: string | null, kpis: readonly Kpi[]): Promise<void> {
    await this.db.inWorkspace(workspace, async (tx) => {
      for (const kpi of kpis) {
        if (agent !== null && kpi.objective === null) continue;
        const found = urgencyOf(kpi);
        const row =
          found === null
            ? await this.store.settled(tx, kpi.name, agent ?? '')
            : await this.store.burning(tx, workspace, kpi.name, agent ?? '', found.urgency);
        if (row === null) continue;
        const says = found === null ? settledText(kpi) : burnText(kpi, found.burn);
        await this.outbox.append(tx, kpiChanged, {
          workspace,
          entity: row.id,
          version: row.event_version,
          payload: payloadOf(
            kpi,
            agent,
            row,
            found?.burn.longRate ?? kpi.burn[0]?.longRate ?? 0,
            found === null ? 'settled' : 'burning',
            says,
          ),
        });
      }
    });
  }
}

function payloadOf(
  { name }: Kpi,
  agent: string | null,
  { urgency }: BurnRow,
  rate: number,
  change: 'burning' | 'settled',
  says: string,
): (typeof kpiChanged)['payload']['prototype'] {
  return { kpi: name, ...(agent !== null && { agent }), change, urgency, rate, says };
}
