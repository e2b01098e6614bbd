import { Injectable } from '@nestjs/common';
import { type Kpi } from '@signalbox/shared/contracts/registry/kpi.js';
import { kpiNames, kpisOfAgents, type KpiWindow } from '@signalbox/shared/contracts/registry/kpi-names.js';
import { SystemDatabase, WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { ObjectiveStore } from '../objectives/objective.store.ts';
import type { AppliedObjective } from '../objectives/objective.ts';
import { beginOf, burnPairs, kpiOf, windows, type Bucket, type Width } from './kpi-figures.ts';
import { targetOf } from './kpi-targets.ts';
import { KpiStore } from './kpi.store.ts';

/** Reads KPIs. */
@Injectable()
export class Kpis {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly system: SystemDatabase,
    private readonly store: KpiStore,
    private readonly objectives: ObjectiveStore,
  ) {}

  /** Each KPI of the workspace, or those of one agent (`agent` not null), within a window that ends now. */
  async of(workspace: string, agent: string | null, window: KpiWindow, now: number): Promise<Kpi[]> {
    const from = neededFrom(window, now);
    const { buckets, objectives } = await this.db.inWorkspace(workspace, async (tx) => ({
      buckets: await this.store.buckets(tx, agent ?? '', from),
      objectives: await this.objectives.all(tx),
    }));
    const all = agent === null ? [...buckets, ...(await this.installation(from))] : buckets;
    return figuresOf(agent, window, all, objectives, now);
  }

  private installation(from: ReadonlyMap<Width, number>): Promise<Bucket[]> {
    return this.system.run((tx) => this.store.installationBuckets(tx, from));
  }
}

function figuresOf(agent: string | null, window: KpiWindow, buckets: Bucket[], objectives: AppliedObjective[], now: number): Kpi[] {
  const manifests = objectives.map(({ manifest }) => manifest);
  const names = agent === null ? kpiNames : kpisOfAgents;
  return names.map((name) => kpiOf(name, window, targetOf(name, agent, manifests), buckets, now));
}

/** Of each width, from when on the window and the burn rates need it. */
function neededFrom(window: KpiWindow, now: number): Map<Width, number> {
  const { ms, width } = windows[window];
  const from = new Map<Width, number>([[width, beginOf(ms, width, now)]]);
  for (const pair of burnPairs) from.set(pair.width, Math.min(from.get(pair.width) ?? Infinity, beginOf(pair.longMs, pair.width, now)));
  return from;
}
