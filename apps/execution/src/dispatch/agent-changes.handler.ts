import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { Bus } from '@signalbox/shared/bus/bus.js';
import type { EventMeta } from '@signalbox/shared/bus/event-meta.js';
import { HandlesEvent } from '@signalbox/shared/bus/handles.js';
import { agentHeard, type AgentHeard } from '@signalbox/shared/contracts/execution/agent-heard.js';
import { tasksTakenBack } from '@signalbox/shared/contracts/execution/tasks-taken-back.js';
import { agentChanged, instanceChanged, type AgentChanged, type InstanceChanged } from '@signalbox/shared/contracts/registry/events.js';
import { routingChanged, type RoutingChanged } from '@signalbox/shared/contracts/registry/routing-changed.js';
import { AgentCapacity } from '../scale-back/agent-capacity.ts';
import { Engine } from '../shards/engine.ts';

/**
 * Hears of agents: what was changed is asked for again, what an instance held when it went is given to others. Each replica has queues and runs, and hears
 * it right after the commit; a durable event, which is never missed, comes to one replica, which tells all.
 */
@Controller()
export class AgentChangesHandler {
  constructor(
    private readonly engine: Engine,
    private readonly capacity: AgentCapacity,
    private readonly bus: Bus,
  ) {}

  @HandlesEvent(routingChanged)
  onRouting(@Payload() { agent, change, instance, isIsolated }: RoutingChanged, @Ctx() meta: EventMeta): void {
    this.capacity.forget(meta.data.workspace, agent);
    if (instance?.status === 'gone') this.onHeard({ agent, instance: instance.instance }, meta);
    else if (instance?.status === 'isolated') this.onHeard({ agent, instance: instance.instance, isIsolated: true }, meta);
    else if (change === 'manifest' || change === 'routing' || change === 'deleted') {
      this.onHeard({ agent, ...(isIsolated && { isIsolated }) }, meta);
    }
  }

  @HandlesEvent(agentChanged)
  onAgent(@Payload() { name, change, status }: AgentChanged, @Ctx() meta: EventMeta): void {
    if (change !== 'status') this.tell(meta, { agent: name, ...(status === 'isolated' && { isIsolated: true }) });
  }

  @HandlesEvent(instanceChanged)
  onInstance(@Payload() { agent, instance, status }: InstanceChanged, @Ctx() meta: EventMeta): void {
    if (status === 'gone') this.tell(meta, { agent, instance });
    if (status === 'isolated') this.tell(meta, { agent, instance, isIsolated: true });
  }

  @HandlesEvent(agentHeard)
  onHeard(@Payload() { agent, instance, isIsolated = false }: AgentHeard, @Ctx() { data: { workspace } }: EventMeta): void {
    const { dispatcher } = this.engine;
    if (instance === undefined) dispatcher.agentChanged(workspace, agent);
    let tasks = 0;
    if (isIsolated) tasks = dispatcher.isolate(workspace, agent, instance);
    else if (instance !== undefined) tasks = dispatcher.instanceGone(workspace, agent, instance);
    const taken = { agent, ...(instance !== undefined && { instance }), tasks };
    if (tasks > 0) this.bus.publishLive(tasksTakenBack, taken, { workspace, entity: agent });
  }

  private tell({ data: { workspace } }: EventMeta, heard: AgentHeard): void {
    this.bus.publishLive(agentHeard, heard, { workspace, entity: heard.agent });
  }
}
