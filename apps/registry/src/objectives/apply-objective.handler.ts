import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { applyObjective, type ApplyObjectiveReply, ApplyObjectiveRequest } from '@signalbox/shared/contracts/registry/apply-objective.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import type { EntityManager } from 'typeorm';
import { nextVersion } from '../agents/agent.ts';
import { changesBetween } from '../manifests/changes.ts';
import { contentHash } from '../manifests/content-hash.ts';
import type { ObjectiveManifest } from '../manifests/manifest.ts';
import { objectiveView, parseObjectiveManifest, type AppliedObjective } from './objective.ts';
import { ObjectiveStore } from './objective.store.ts';

/** All are read with every look at KPIs. */
const objectivesMax = 200;

@Controller()
export class ApplyObjectiveHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly objectives: ObjectiveStore,
    private readonly audit: Audit,
  ) {}

  @Handles(applyObjective)
  handle(@Payload() request: ApplyObjectiveRequest, @FromCaller() caller: Caller): Promise<ApplyObjectiveReply> {
    const manifest = parseObjectiveManifest(request.name, request.manifest);
    return this.db.inWorkspace(caller.workspace, (tx) => this.apply(tx, manifest, request, caller));
  }

  private async apply(
    tx: EntityManager,
    manifest: ObjectiveManifest,
    request: ApplyObjectiveRequest,
    caller: Caller,
  ): Promise<ApplyObjectiveReply> {
    const { name, dryRun = false, expectedVersion } = request;
    const hash = contentHash(manifest);
    const applied = await this.objectives.all(tx);
    const current = applied.find((objective) => objective.manifest.metadata.name === name) ?? null;
    const { action, version } = nextVersion(`the objective ${name}`, current, hash, expectedVersion);
    const changes = changesBetween(current?.manifest ?? {}, manifest);
    if (action === 'unchanged') return { action, changes, resource: objectiveView(current!) };
    checkAmong(
      applied.filter((objective) => objective !== current).map((objective) => objective.manifest),
      manifest,
    );
    if (dryRun) return { action, changes, resource: objectiveView({ manifest, version, hash, updatedAt: new Date(now()) }) };

    const objective: AppliedObjective | null = await this.objectives.put(tx, caller.workspace, manifest, version, hash);
    if (objective === null) throw new Fault('conflict', `the objective ${name} was changed by somebody else just now`, 'Apply it again.');
    await this.audit.append(tx, caller, {
      action: 'objective.apply',
      target: `objective ${name}`,
      detail: { version, hash, changed: changes.map(({ path }) => path) },
    });
    return { action, changes, resource: objectiveView(objective) };
  }
}

/** `limited` where there are enough; `conflict` where another says already what the KPI is to be. */
function checkAmong(others: readonly ObjectiveManifest[], { spec }: ObjectiveManifest): void {
  if (others.length >= objectivesMax) {
    throw new Fault('limited', `a workspace has at most ${objectivesMax} objectives`, 'Delete some that nobody needs.');
  }
  const same = others.find((other) => other.spec.kpi === spec.kpi && other.spec.agent === spec.agent);
  if (same === undefined) return;
  const { name } = same.metadata;
  const of = spec.agent === undefined ? '' : ` of ${spec.agent}`;
  throw new Fault('conflict', `the objective ${name} says already what ${spec.kpi}${of} is to be`, `Change ${name}, or delete it first.`);
}
