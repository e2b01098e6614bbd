import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import type { DriftItem } from '@signalbox/shared/contracts/registry/drift.js';
import {
  repairDrift,
  type RepairDriftReply,
  RepairDriftRequest,
  type RepairedMember,
} from '@signalbox/shared/contracts/registry/repair-drift.js';
import type { PlannedAgent } from '@signalbox/shared/contracts/registry/start-deployment.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { deploymentView } from '../deployments/boards.ts';
import { disturbanceOf } from '../deployments/start-plan.ts';
import { Starting, type Start } from '../deployments/starting.ts';
import { driftItemsMax, Drifts } from './drifts.ts';

@Controller()
export class RepairDriftHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly starting: Starting,
    private readonly drifts: Drifts,
  ) {}

  @Handles(repairDrift)
  async handle(@Payload() { name, dryRun = false }: RepairDriftRequest, @FromCaller() caller: Caller): Promise<RepairDriftReply> {
    const { start, items } = await this.db.inWorkspace(caller.workspace, async (tx) => {
      const planned = await this.starting.plan(tx, name);
      return { start: planned, items: await this.drifts.of(tx, planned.stand) };
    });
    const repairs = repairsOf(items, start);
    const left = items.filter(({ repair }) => repair === undefined).slice(0, driftItemsMax);
    if (dryRun || repairs.length === 0) return { repairs, left, resource: deploymentView(start.stand) };
    const { stand } = await this.starting.start(name, caller, {
      action: 'deployment.repair',
      again: repairs.map(({ member }) => member),
      detail: { repaired: repairs.map(({ member, repair }) => `${member}: ${repair}`) },
    });
    return { repairs, left, resource: deploymentView(stand) };
  }
}

/** One for each member: what restarts its processes makes its steps again too. */
function repairsOf(items: readonly DriftItem[], start: Start): RepairedMember[] {
  const repairs = new Map<string, RepairedMember>();
  for (const { member, kind, repair, because } of items) {
    if (repair === undefined || repairs.has(member)) continue;
    const disturbs = disturbsOf(member, repair === 'start' ? start.plan.find(({ name }) => name === member)!.action : 'restart', start);
    repairs.set(member, { member, ...(kind && { kind }), repair, because, ...(disturbs && { disturbs }) });
  }
  return [...repairs.values()];
}

function disturbsOf(member: string, action: PlannedAgent['action'], { stand, facts, sharing }: Start): RepairedMember['disturbs'] {
  return disturbanceOf(
    stand.plan.agents.find(({ name }) => name === member)!,
    action,
    facts,
    sharing,
  );
}
