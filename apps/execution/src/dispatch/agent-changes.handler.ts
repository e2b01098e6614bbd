import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { Bus } from '@signalbox/shared/bus/bus.js';
import type { EventMeta } from '@signalbox/shared/bus/event-meta.js';
import { HandlesEvent } from '@signalbox/shared/bus/handles.js';
import { agentHeard, type AgentHeard } from '@signalbox/shared/contracts/execution/agent-heard.js';
import { agentChanged, instanceChanged, type AgentChanged, type InstanceChanged } from '@signalbox/shared/contracts/registry/events.js';
import { routingChanged, type RoutingChanged } from '@signalbox/shared/contracts/registry/routing-changed.js';
import { Engine } from '../shards/engine.ts';

/**
 * Hears of agents: what was changed is asked for again, what an instance held when it went is given to others. Each replica has queues and runs, and hears
 * it right after the commit; a durable event, which is never missed, comes to one replica, which tells all.
 */
@Controller()
export class AgentChangesHandler {
  constructor(
    private readonly engine: Engine,
    private readonly bus: Bus,
  ) {}

  @HandlesEvent(routingChanged)
  onRouting(@Payload() { agent, change, instance }: RoutingChanged, @Ctx() meta: EventMeta): void {
    if (instance?.status === 'gone') this.onHeard({ agent, instance: instance.instance }, meta);
    else if (change === 'manifest' || change === 'deleted') this.onHeard({ agent }, meta);
  }

  @HandlesEvent(agentChanged)
  onAgent(@Payload() { name, change }: AgentChanged, @Ctx() meta: EventMeta): void {
    if (change !== 'status') this.tell(meta, { agent: name });
  }

  @HandlesEvent(instanceChanged)
  onInstance(@Payload() { agent, instance, status }: InstanceChanged, @Ctx() meta: EventMeta): void {
    if (status === 'gone') this.tell(meta, { agent, instance });
  }

  @HandlesEvent(agentHeard)
  onHeard(@Payload() { agent, instance }: AgentHeard, @Ctx() { data: { workspace } }: EventMeta): void {
    if (instance === undefined) this.engine.dispatcher.agentChanged(workspace, agent);
    else this.engine.dispatcher.instanceGone(workspace, agent, instance);
  }

  private tell({ data: { workspace } }: EventMeta, heard: AgentHeard): void {
    this.bus.publishLive(agentHeard, heard, { workspace, entity: heard.agent });
  }
}
