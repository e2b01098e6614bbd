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
import { descriptionOf, nextVersion } from './agent.ts';
import { AgentHealth } from './agent-health.ts';
import { agentView } from './agent-row.ts';
import { AgentStore } from './agent.store.ts';

/** Twice what the list and search are measured with. */
const agentsMax = 20_000;

@Controller()
export class ApplyAgentHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly agents: AgentStore,
    private readonly health: AgentHealth,
    private readonly audit: Audit,
  ) {}

  @Handles(applyAgent)
  async handle(@Payload() request: ApplyAgentRequest, @FromCaller() caller: Caller): Promise<ApplyAgentReply> {
    const manifest = parseAgentManifest(request.name, request.manifest);
    if (namesCommand(manifest)) requirePermission(caller, 'commands:write');
    if (namesSecret(manifest)) requirePermission(caller, 'secrets:use');
    return this.db.inWorkspace(caller.workspace, (tx) => this.apply(tx, manifest, request, caller));
  }

  private async apply(tx: EntityManager, manifest: AgentManifest, request: ApplyAgentRequest, caller: Caller): Promise<ApplyAgentReply> {
    const { name, dryRun = false, expectedVersion } = request;
    const hash = contentHash(manifest);
    const current = await this.agents.lock(tx, name);
    const { action, version } = nextVersion(`the agent ${name}`, current, hash, expectedVersion);
    const before = current && (await this.agents.version(tx, current));
    const changes = changesBetween(before?.manifest ?? {}, manifest);
    if (action === 'unchanged' || dryRun) {
      const row = await this.agents.find(tx, name);
      const stands = row && agentView(row);
      return { action, changes, resource: action === 'unchanged' ? stands! : preview(manifest, hash, version, stands) };
    }

    const id = current?.id ?? newUuid();
    if (current === null) {
      if ((await this.agents.count(tx)) >= agentsMax) {
        throw new Fault('limited', `the workspace has ${agentsMax} agents, which is as many as it can`, 'Delete agents that nobody needs.');
      }
      if (!(await this.agents.insert(tx, caller.workspace, id, manifest, hash))) {
        throw new Fault('conflict', `the agent ${name} was created by somebody else just now`, 'Apply it again.');
      }
    } else await this.agents.update(tx, manifest, version, hash);
    await this.agents.insertVersion(tx, caller.workspace, id, { version, hash, manifest, createdBy: caller.principal });
    await this.health.refresh(tx, name);
    await this.health.tell(tx, name, 'manifest');
    await this.audit.append(tx, caller, {
      action: 'agent.apply',
      target: `agent ${name}`,
      detail: { version, hash, changed: changes.map(({ path }) => path) },
    });
    return { action, changes, resource: agentView((await this.agents.find(tx, name))!) };
  }
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
