import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { getScale, GetScaleRequest } from '@signalbox/shared/contracts/registry/get-scale.js';
import type { AgentScaleDetail } from '@signalbox/shared/contracts/registry/scale.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { unknownAgent } from '../agents/agent.ts';
import { QueueReader } from './queues.ts';
import { scaleView } from './scale-view.ts';
import { ScaleStore } from './scale.store.ts';

@Controller()
export class GetScaleHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly scales: ScaleStore,
    private readonly queues: QueueReader,
  ) {}

  @Handles(getScale)
  async handle(@Payload() { agent }: GetScaleRequest, @FromCaller() caller: Caller): Promise<AgentScaleDetail> {
    const { scaled, changes } = await this.db.inWorkspace(caller.workspace, async (tx) => {
      const found = await this.scales.find(tx, agent);
      if (found === null) throw unknownAgent(agent);
      if (found.manifest.spec.worker?.autoscale === undefined)
        throw new Fault('conflict', `the agent ${agent} is not scaled`, 'Give it `worker.autoscale` in its manifest.');
      return { scaled: found, changes: await this.scales.changes(tx, agent) };
    });
    const view = scaleView(scaled, (await this.queues.of(caller))(agent))!;
    return {
      ...view,
      changes: changes.map(({ deployment, from_count, to_count, because, at }) => ({
        deployment,
        from: from_count,
        to: to_count,
        because,
        at: at.toISOString(),
      })),
    };
  }
}
