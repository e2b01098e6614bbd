import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  applyDeployment,
  type ApplyDeploymentReply,
  ApplyDeploymentRequest,
} from '@signalbox/shared/contracts/registry/apply-deployment.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { type Caller, FromCaller, requirePermission } from '@signalbox/shared/identity/caller.js';
import { newUuid } from '@signalbox/shared/ids/ids.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import type { EntityManager } from 'typeorm';
import { nextVersion } from '../agents/agent.ts';
import { BringUp } from '../bring-up/bring-up.ts';
import { changesBetween } from '../manifests/changes.ts';
import { contentHash } from '../manifests/content-hash.ts';
import type { DeploymentManifest, DeploymentMemberSpec } from '../manifests/manifest.ts';
import { Boards, deploymentView } from './boards.ts';
import { DeploymentLog } from './deployment-log.ts';
import { namesCommand, namesSecret, parseDeploymentManifest } from './deployment-manifest.ts';
import { DeploymentStore, type DeploymentRow } from './deployment.store.ts';
import type { InfrastructureFact } from './facts.ts';
import type { Plan } from './plan.ts';
import { MemberStore } from './member.store.ts';
import { StepStore } from './step.store.ts';

/** More than any workspace runs; lists compute a board for each. */
const deploymentsMax = 2_000;

interface Apply {
  manifest: DeploymentManifest;
  plan: Plan;
  services: ReadonlyMap<string, InfrastructureFact>;
}

@Controller()
export class ApplyDeploymentHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly deployments: DeploymentStore,
    private readonly steps: StepStore,
    private readonly members: MemberStore,
    private readonly boards: Boards,
    private readonly log: DeploymentLog,
    private readonly audit: Audit,
    private readonly bringUp: BringUp,
  ) {}

  @Handles(applyDeployment)
  async handle(@Payload() request: ApplyDeploymentRequest, @FromCaller() caller: Caller): Promise<ApplyDeploymentReply> {
    const { manifest, plan } = parseDeploymentManifest(request.name, request.manifest);
    if (namesCommand(manifest)) requirePermission(caller, 'commands:write');
    if (namesSecret(manifest)) requirePermission(caller, 'secrets:use');
    const services = await this.boards.look([plan]);
    const reply = await this.db.inWorkspace(caller.workspace, (tx) => this.apply(tx, { manifest, plan, services }, request, caller));
    this.bringUp.poke();
    return reply;
  }

  private async apply(tx: EntityManager, apply: Apply, request: ApplyDeploymentRequest, caller: Caller): Promise<ApplyDeploymentReply> {
    const { name, dryRun = false, expectedVersion } = request;
    const hash = contentHash(apply.manifest);
    const current = await this.deployments.find(tx, name, { lock: true });
    const { action, version } = nextVersion(`the deployment ${name}`, current, hash, expectedVersion);
    const changes = changesBetween(current?.manifest ?? {}, apply.manifest);
    if (action === 'unchanged' || dryRun) {
      const row = action === 'unchanged' ? current! : preview(apply.manifest, caller.workspace, hash, version, current);
      return { action, changes, resource: deploymentView(await this.boards.one(tx, row, apply.services)) };
    }

    const row =
      current === null
        ? await this.insert(tx, caller, apply.manifest, hash)
        : await this.deployments.update(tx, apply.manifest, version, hash);
    const changed = changedMigrations(current?.manifest, apply.manifest);
    await this.members.keepOnly(
      tx,
      row.id,
      apply.plan.agents.map((agent) => agent.name),
    );
    await this.steps.keepOnly(
      tx,
      row.id,
      apply.plan.agents
        .filter(({ name }) => !changed.has(name))
        .flatMap((agent) => agent.steps.map((step) => ({ agent: agent.name, step: step.name, source: step.source }))),
    );
    const stand = await this.log.tell(tx, row, apply.services, { change: 'manifest' });
    await this.audit.append(tx, caller, {
      action: 'deployment.apply',
      target: `deployment ${name}`,
      detail: { version, hash, changed: changes.map(({ path }) => path) },
    });
    return { action, changes, resource: deploymentView(stand) };
  }

  private async insert(tx: EntityManager, caller: Caller, manifest: DeploymentManifest, hash: string): Promise<DeploymentRow> {
    if ((await this.deployments.count(tx)) >= deploymentsMax) {
      throw new Fault(
        'limited',
        `the workspace has ${deploymentsMax} deployments, which is as many as it can`,
        'Delete some that nobody needs.',
      );
    }
    const row = await this.deployments.insert(tx, caller.workspace, newUuid(), manifest, hash);
    if (row === null) {
      throw new Fault('conflict', `the deployment ${manifest.metadata.name} was created by somebody else just now`, 'Apply it again.');
    }
    return row;
  }
}

/** Migrations whose command is another now: what the old one did is not what the new one does. */
function changedMigrations(before: DeploymentManifest | undefined, after: DeploymentManifest): Set<string> {
  const commandOf = ({ command, cwd, env }: DeploymentMemberSpec): string => contentHash({ command, cwd, env });
  const old = new Map((before?.spec.members ?? []).map((member) => [member.name, commandOf(member)]));
  const known = (after.spec.members ?? []).filter(({ kind, name }) => kind === 'migration' && old.has(name));
  return new Set(known.filter((member) => old.get(member.name) !== commandOf(member)).map(({ name }) => name));
}

/** The deployment as it would be. */
function preview(
  manifest: DeploymentManifest,
  workspace: string,
  hash: string,
  version: number,
  current: DeploymentRow | null,
): DeploymentRow {
  const at = new Date(now());
  const { name, description = '', labels = {} } = manifest.metadata;
  return {
    ...(current ?? {
      workspace,
      id: newUuid(),
      event_version: '0',
      started: false,
      started_at: null,
      started_by: null,
      bearer: null,
      owner: null,
      agent_hashes: {},
      drifted_at: null,
      created_at: at,
    }),
    name,
    description,
    labels,
    manifest,
    version,
    hash,
    updated_at: at,
  };
}
