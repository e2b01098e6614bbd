import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import type { Agent } from '@signalbox/shared/contracts/registry/agent.js';
import { applyAgent, type ApplyAgentReply, ApplyAgentRequest } from '@signalbox/shared/contracts/registry/apply-agent.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { type Caller, FromCaller, requirePermission } from '@signalbox/shared/identity/caller.js';
import { fromUuid, newUuid } from '@signalbox/shared/ids/ids.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import type { EntityManager } from 'typeorm';
import { namesCommand, namesSecret, parseAgentManifest } from '../manifests/agent-manifest.ts';
import { changesBetween } from '../manifests/changes.ts';
import { contentHash } from '../manifests/content-hash.ts';
import type { AgentManifest } from '../manifests/manifest.ts';
import { MirrorJudges } from '../rollouts/mirror-judges.ts';
import { RolloutEvals } from '../rollouts/rollout-evals.ts';
import { rolloutView, type RolloutRow } from '../rollouts/rollout-row.ts';
import { Rollouts, type StandingRollout } from '../rollouts/rollouts.ts';
import { descriptionOf, nextVersion } from './agent.ts';
import { AgentHealth } from './agent-health.ts';
import { agentView } from './agent-row.ts';
import { AgentStore } from './agent.store.ts';

/** Twice what the list and search are measured with. */
const agentsMax = 20_000;

/** What was done, and the rollout that has begun. */
type AppliedAgent = ApplyAgentReply & { begun?: RolloutRow };

@Controller()
export class ApplyAgentHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly agents: AgentStore,
    private readonly health: AgentHealth,
    private readonly rollouts: Rollouts,
    private readonly rolloutEvals: RolloutEvals,
    private readonly judges: MirrorJudges,
    private readonly audit: Audit,
  ) {}

  @Handles(applyAgent)
  async handle(@Payload() request: ApplyAgentRequest, @FromCaller() caller: Caller): Promise<ApplyAgentReply> {
    const manifest = parseAgentManifest(request.name, request.manifest);
    if (namesCommand(manifest)) requirePermission(caller, 'commands:write');
    if (namesSecret(manifest)) requirePermission(caller, 'secrets:use');
    const { begun, ...reply } = await this.db.inWorkspace(caller.workspace, (tx) => this.apply(tx, manifest, request, caller));
    if (begun === undefined) return reply;
    this.rolloutEvals.begin(begun, caller);
    this.judges.begin(begun, caller);
    return { ...reply, rollout: rolloutView(begun) };
  }

  private async apply(tx: EntityManager, manifest: AgentManifest, request: ApplyAgentRequest, caller: Caller): Promise<AppliedAgent> {
    const { name, dryRun = false, expectedVersion } = request;
    const hash = contentHash(manifest);
    const current = await this.agents.lock(tx, name);
    const { action, version } = nextVersion(`the agent ${name}`, current, hash, expectedVersion);
    const before = current && (await this.agents.version(tx, current));
    const standing = current && (await this.rollouts.standingOf(tx, current));
    const stands = async (): Promise<Agent> => agentView((await this.agents.find(tx, name))!);
    if (standing && isStanding(standing, action, hash)) {
      return { action: 'unchanged', changes: [], resource: await stands(), rollout: rolloutView(standing.row) };
    }
    const open = standing?.row.ended_at === null ? standing : null;
    if (action === 'unchanged' && open !== null) {
      // What is current is wanted again, in place of what is rolled out.
      const changes = changesBetween(open.manifest, manifest);
      if (!dryRun) await this.rollouts.supersede(tx, caller, open.row, `version ${version} was applied again`);
      return { action: 'updated', changes, resource: await stands() };
    }
    const changes = changesBetween(before?.manifest ?? {}, manifest);
    const isGradual = action === 'updated' && manifest.spec.rollout !== undefined;
    if (isGradual && before!.manifest.spec.kind !== manifest.spec.kind) throw otherKind(before!.manifest, manifest);
    if (isGradual) {
      await this.rolloutEvals.check(tx, manifest, caller);
      await this.judges.check(tx, manifest, caller);
    }
    if (action === 'unchanged') return { action, changes, resource: await stands() };
    if (dryRun) return { action, changes, resource: preview(manifest, hash, version, current && (await stands())) };

    if (open !== null) await this.rollouts.supersede(tx, caller, open.row, `version ${version} was applied`);
    const id = current?.id ?? newUuid();
    if (current === null) {
      if ((await this.agents.count(tx)) >= agentsMax) {
        throw new Fault('limited', `the workspace has ${agentsMax} agents, which is as many as it can`, 'Delete agents that nobody needs.');
      }
      if (!(await this.agents.insert(tx, caller.workspace, id, manifest, hash))) {
        throw new Fault('conflict', `the agent ${name} was created by somebody else just now`, 'Apply it again.');
      }
    } else if (!isGradual) await this.agents.update(tx, manifest, version, hash);
    await this.agents.insertVersion(tx, caller.workspace, id, { version, hash, manifest, createdBy: caller.principal });
    const begun = isGradual ? await this.rollouts.begin(tx, caller, current!, version, manifest) : undefined;
    if (begun === undefined) {
      await this.health.refresh(tx, name);
      await this.health.tell(tx, name, 'manifest');
    }
    await this.audit.append(tx, caller, {
      action: 'agent.apply',
      target: `agent ${name}`,
      detail: { version, hash, changed: changes.map(({ path }) => path) },
    });
    return { action, changes, resource: await stands(), ...(begun && { begun }) };
  }
}

/** Whether this very content is on its way, or was rolled back: the same again changes neither. */
function isStanding({ row, hash: ofIt }: StandingRollout, action: ApplyAgentReply['action'], hash: string): boolean {
  return action !== 'unchanged' && ofIt === hash && (row.ended_at === null || row.status === 'rolled-back');
}

/** An agent of another kind is reached in another way: its calls cannot be shared out. */
function otherKind({ spec: before }: AgentManifest, { spec }: AgentManifest): Fault {
  return new Fault(
    'invalid',
    `an agent of kind ${before.kind} cannot become one of kind ${spec.kind} step by step`,
    'Leave spec.rollout out, or give it another name.',
    {
      errors: [{ pointer: '/spec/rollout', detail: `is for versions of one kind: the current one is of kind ${before.kind}` }],
    },
  );
}

/** The agent as it would be. */
function preview(manifest: AgentManifest, hash: string, version: number, stands: Agent | null): Agent {
  const at = new Date(now()).toISOString();
  return {
    ...(stands ?? {
      id: fromUuid('agent', newUuid()),
      status: 'unknown' as const,
      instances: { live: 0, capacity: 0, inFlight: 0 },
      createdAt: at,
    }),
    name: manifest.metadata.name,
    kind: manifest.spec.kind,
    description: descriptionOf(manifest),
    labels: manifest.metadata.labels ?? {},
    skills: manifest.spec.skills ?? [],
    version,
    hash,
    updatedAt: at,
  };
}
