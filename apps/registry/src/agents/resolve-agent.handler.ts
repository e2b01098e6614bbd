import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { resolveAgent, type ResolveAgentReply, ResolveAgentRequest } from '@signalbox/shared/contracts/registry/resolve-agent.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { InstanceStore } from '../instances/instance.store.ts';
import { IsolationStore, wholeAgent } from '../recovery/isolation.store.ts';
import { Rollouts } from '../rollouts/rollouts.ts';
import { unknownAgent, unknownVersion } from './agent.ts';
import { agentView } from './agent-row.ts';
import { AgentStore } from './agent.store.ts';

/** Enough to choose from; the list of instances has the rest. */
const instancesMax = 200;

@Controller()
export class ResolveAgentHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly agents: AgentStore,
    private readonly instances: InstanceStore,
    private readonly isolations: IsolationStore,
    private readonly rollouts: Rollouts,
  ) {}

  @Handles(resolveAgent)
  handle(@Payload() { name, version: wanted }: ResolveAgentRequest, @FromCaller() { workspace }: Caller): Promise<ResolveAgentReply> {
    return this.db.inWorkspace(workspace, async (tx) => {
      const row = await this.agents.find(tx, name);
      if (row === null) throw unknownAgent(name);
      const version = await this.agents.version(tx, row, wanted);
      if (version === null) throw unknownVersion(name, wanted!, row.version);
      const { id, status, statusReason, breaker } = agentView(row);
      const { spec } = version.manifest;
      const instances = row.live === 0 ? [] : await this.instances.beating(tx, name, instancesMax);
      const kept = await this.isolations.of(tx, name);
      const isolated = kept.filter((one) => one.instance !== wholeAgent && one.state !== 'trial');
      const trial = kept.filter((one) => one.state === 'trial');
      const route = await this.rollouts.routeOf(tx, row);
      return {
        id,
        name,
        kind: spec.kind,
        version: version.version,
        hash: version.hash,
        spec: { ...spec },
        skills: spec.skills ?? [],
        ...(spec.concurrency !== undefined && { concurrency: spec.concurrency }),
        ...(spec.timeoutMs !== undefined && { timeoutMs: spec.timeoutMs }),
        status,
        ...(statusReason !== undefined && { statusReason }),
        ...(breaker !== undefined && { breaker }),
        instances: instances.map((instance) => ({
          instance: instance.instance,
          status: instance.status,
          capacity: instance.capacity,
          inFlight: instance.in_flight,
        })),
        ...(isolated.length > 0 && { isolated: isolated.map(({ instance }) => instance) }),
        ...(trial.length > 0 && { trial: trial.map(({ instance }) => instance) }),
        ...(route && { route }),
      };
    });
  }
}
