import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { startRollout, type StartRolloutReply, StartRolloutRequest } from '@signalbox/shared/contracts/registry/start-rollout.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { type Caller, FromCaller, requirePermission } from '@signalbox/shared/identity/caller.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import { unknownAgent, unknownVersion } from '../agents/agent.ts';
import { AgentStore } from '../agents/agent.store.ts';
import { namesCommand, namesSecret } from '../manifests/agent-manifest.ts';
import { MirrorJudges } from './mirror-judges.ts';
import { RolloutEvals } from './rollout-evals.ts';
import { rolloutView } from './rollout-row.ts';
import { RolloutStore } from './rollout.store.ts';
import { Rollouts } from './rollouts.ts';

@Controller()
export class StartRolloutHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly agents: AgentStore,
    private readonly store: RolloutStore,
    private readonly rollouts: Rollouts,
    private readonly evals: RolloutEvals,
    private readonly judges: MirrorJudges,
  ) {}

  @Handles(startRollout)
  async handle(@Payload() { agent: name, version: wanted }: StartRolloutRequest, @FromCaller() caller: Caller): Promise<StartRolloutReply> {
    const row = await this.db.inWorkspace(caller.workspace, async (tx) => {
      const agent = await this.agents.lock(tx, name);
      if (agent === null) throw unknownAgent(name);
      const version = await this.agents.version(tx, agent, wanted);
      if (version === null) throw unknownVersion(name, wanted, agent.version);
      // As for applying it.
      if (namesCommand(version.manifest)) requirePermission(caller, 'commands:write');
      if (namesSecret(version.manifest)) requirePermission(caller, 'secrets:use');
      if (wanted === agent.version) {
        throw new Fault('conflict', `version ${wanted} of ${name} is the current one already`, 'Name another of its versions.');
      }
      const open = await this.store.openOf(tx, agent.id);
      if (open !== null) {
        const id = fromUuid('rollout', open.id);
        const next = `Wait for its end, or end it: signalbox rollouts abort ${id}.`;
        throw new Fault('conflict', `version ${open.version} of ${name} is being rolled out: ${id}`, next);
      }
      const current = await this.agents.version(tx, agent);
      const { kind } = current!.manifest.spec;
      if (kind !== version.manifest.spec.kind) {
        const next = 'Apply its manifest without spec.rollout.';
        throw new Fault('conflict', `version ${wanted} of ${name} is not of kind ${kind}, as the current one is`, next);
      }
      await this.evals.check(tx, version.manifest, caller);
      await this.judges.check(tx, version.manifest, caller);
      return this.rollouts.begin(tx, caller, agent, wanted, version.manifest);
    });
    this.evals.begin(row, caller);
    this.judges.begin(row, caller);
    return { resource: rolloutView(row) };
  }
}
