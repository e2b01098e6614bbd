import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { EventMeta } from '@signalbox/shared/bus/event-meta.js';
import { HandlesEvent } from '@signalbox/shared/bus/handles.js';
import { breakerChanged, BreakerChanged } from '@signalbox/shared/contracts/protocol/breaker.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { AgentHealth } from './agent-health.ts';

/** Keeps the state of circuit breakers with the agents that they guard. */
@Controller()
export class BreakerListener {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly health: AgentHealth,
  ) {}

  @HandlesEvent(breakerChanged)
  async onChanged(@Payload() { agent, state, version }: BreakerChanged, @Ctx() meta: EventMeta): Promise<void> {
    if (agent === undefined) return;
    await this.db.inWorkspace(meta.data.workspace, (tx) => this.health.setBreaker(tx, agent, state, version));
  }
}
