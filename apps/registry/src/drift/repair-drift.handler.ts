import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { applyWorkflow } from '@signalbox/shared/contracts/execution/apply-workflow.js';
import type { DriftItem } from '@signalbox/shared/contracts/registry/drift.js';
import {
  repairDrift,
  type RepairDriftReply,
  RepairDriftRequest,
  type RepairedMember,
} from '@signalbox/shared/contracts/registry/repair-drift.js';
import type { PlannedAgent } from '@signalbox/shared/contracts/registry/start-deployment.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { Boards, deploymentView } from '../deployments/boards.ts';
import { disturbanceOf } from '../deployments/start-plan.ts';
import { Starting, type Start } from '../deployments/starting.ts';
import { driftItemsMax, Drifts } from './drifts.ts';

@Controller()
export class RepairDriftHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly boards: Boards,
    private readonly starting: Starting,
    private readonly drifts: Drifts,
    private readonly bus: Bus,
  ) {}

  @Handles(repairDrift)
  async handle(@Payload() { name, dryRun = false }: RepairDriftRequest, @FromCaller() caller: Caller): Promise<RepairDriftReply> {
    const { services } = await this.boards.lookAt(caller.workspace, name);
    const { start, items } = await this.db.inWorkspace(caller.workspace, async (tx) => {
      const planned = await this.starting.plan(tx, name, services);
      return { start: planned, items: await this.drifts.of(tx, planned.stand) };
    });
    const able: DriftItem[] = [];
    for (const item of items) able.push(item.repair === 'revert' ? await this.revert(item, start, caller, true) : item);
    const repairs = repairsOf(able, start);
    const left = able.filter(({ repair }) => repair === undefined).slice(0, driftItemsMax);
    if (dryRun || repairs.length === 0) return { repairs, left, resource: deploymentView(start.stand) };
    for (const item of able) if (item.repair === 'revert') await this.revert(item, start, caller, false);
    const { stand } = await this.starting.start(name, caller, {
      action: 'deployment.repair',
      again: repairs.map(({ member }) => member),
      detail: { repaired: repairs.map(({ member, repair }) => `${member}: ${repair}`) },
    });
    return { repairs, left, resource: deploymentView(stand) };
  }

  /** Has a workflow be what it was at the wanted hash, or with `dryRun` says whether it can: without a repair where not. */
  private async revert(item: DriftItem, { stand }: Start, caller: Caller, dryRun: boolean): Promise<DriftItem> {
    const { agent: name, member } = stand.plan.agents.find((each) => each.name === item.member)!;
    try {
      await this.bus.request(applyWorkflow, { name, hash: member?.hash as string, dryRun }, caller);
      return item;
    } catch (thrown) {
      const { code, detail } = Fault.from(thrown);
      const why = nextOf[code];
      if (!dryRun || why === undefined) throw thrown;
      const { repair: _, ...without } = item;
      return { ...without, because: `${item.because}; ${detail}`, next: why };
    }
  }
}

/** What a person does where a workflow cannot be reverted for one who asks. */
const nextOf: Partial<Record<Fault['code'], string>> = {
  not_found: 'Apply its manifest as this deployment wants it.',
  forbidden: 'Ask somebody who may write workflows to repair it.',
  invalid: 'Apply a manifest that this version can run.',
};

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
