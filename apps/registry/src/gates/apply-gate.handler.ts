import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { applyGate, type ApplyGateReply, ApplyGateRequest } from '@signalbox/shared/contracts/registry/apply-gate.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import type { EntityManager } from 'typeorm';
import { nextVersion } from '../agents/agent.ts';
import { changesBetween } from '../manifests/changes.ts';
import { contentHash } from '../manifests/content-hash.ts';
import type { GateManifest } from '../manifests/manifest.ts';
import { gateView, parseGateManifest, type AppliedGate } from './gate.ts';
import { GateStore } from './gate.store.ts';

/** Every check reads all gates of its workspace. */
const gatesMax = 100;
/** Metrics of all gates, counted for each of their stages: what is known of them all goes into one message. */
const checksMax = 400;

@Controller()
export class ApplyGateHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly gates: GateStore,
    private readonly audit: Audit,
  ) {}

  @Handles(applyGate)
  handle(@Payload() request: ApplyGateRequest, @FromCaller() caller: Caller): Promise<ApplyGateReply> {
    const manifest = parseGateManifest(request.name, request.manifest);
    return this.db.inWorkspace(caller.workspace, (tx) => this.apply(tx, manifest, request, caller));
  }

  private async apply(tx: EntityManager, manifest: GateManifest, request: ApplyGateRequest, caller: Caller): Promise<ApplyGateReply> {
    const { name, dryRun = false, expectedVersion } = request;
    const hash = contentHash(manifest);
    const applied = await this.gates.all(tx);
    const current = applied.find((gate) => gate.manifest.metadata.name === name) ?? null;
    const { action, version } = nextVersion(`the gate ${name}`, current, hash, expectedVersion);
    const changes = changesBetween(current?.manifest ?? {}, manifest);
    if (action === 'unchanged') return { action, changes, resource: gateView(current!) };
    checkRoom([...applied.filter((gate) => gate !== current).map((gate) => gate.manifest), manifest]);
    if (dryRun) return { action, changes, resource: gateView({ manifest, version, hash, updatedAt: new Date(now()) }) };

    const gate: AppliedGate | null = await this.gates.put(tx, caller.workspace, manifest, version, hash);
    if (gate === null) throw new Fault('conflict', `the gate ${name} was changed by somebody else just now`, 'Apply it again.');
    await this.audit.append(tx, caller, {
      action: 'gate.apply',
      target: `gate ${name}`,
      detail: { version, hash, changed: changes.map(({ path }) => path) },
    });
    return { action, changes, resource: gateView(gate) };
  }
}

/** `limited` where one more check of an agent would be more than it can be told of. */
function checkRoom(manifests: readonly GateManifest[]): void {
  const checks = manifests.reduce((sum, { spec }) => sum + spec.stages.length * spec.metrics.length, 0);
  if (manifests.length <= gatesMax && checks <= checksMax) return;
  throw new Fault(
    'limited',
    `a workspace has at most ${gatesMax} gates, with ${checksMax} metrics, counted for each of their stages`,
    'Delete gates that nobody needs, or put their metrics together.',
  );
}
