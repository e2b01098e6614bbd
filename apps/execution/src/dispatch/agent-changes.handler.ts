import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import type { EventMeta } from '@signalbox/shared/bus/event-meta.js';
import { HandlesEvent } from '@signalbox/shared/bus/handles.js';
import { agentChanged, instanceChanged, type AgentChanged, type InstanceChanged } from '@signalbox/shared/contracts/registry/events.js';
import { Engine } from '../shards/engine.ts';

/** Hears of agents: what was changed is asked for again, what an instance held when it went is given to others. */
@Controller()
export class AgentChangesHandler {
  constructor(private readonly engine: Engine) {}

  @HandlesEvent(agentChanged)
  onAgent(@Payload() { name, change }: AgentChanged, @Ctx() meta: EventMeta): void {
    if (change !== 'status') this.engine.dispatcher.agentChanged(meta.data.workspace, name);
  }

  @HandlesEvent(instanceChanged)
  onInstance(@Payload() { agent, instance, status }: InstanceChanged, @Ctx() meta: EventMeta): void {
    if (status === 'gone') this.engine.dispatcher.instanceGone(meta.data.workspace, agent, instance);
  }
}
