import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import type { EventMeta } from '@signalbox/shared/bus/event-meta.js';
import { HandlesEvent } from '@signalbox/shared/bus/handles.js';
import { routingChanged, type RoutingChanged } from '@signalbox/shared/contracts/registry/routing-changed.js';
import { HeardInstances } from './heard-instances.ts';

/** What another replica wrote of an instance that is heard here: a runner's process ended, or its agent was deleted. */
@Controller()
export class RoutingListener {
  constructor(private readonly heard: HeardInstances) {}

  @HandlesEvent(routingChanged)
  onChanged(@Payload() { agent, change, instance }: RoutingChanged, @Ctx() { data: { workspace, version } }: EventMeta): void {
    if (change === 'deleted') this.heard.dropAgent(workspace, agent);
    const known = instance && this.heard.get(instance.id);
    if (!known || known.version >= version) return;
    if (instance.status === 'gone') return this.heard.drop(known);
    known.version = version;
    known.state = { ...known.state, status: instance.status, capacity: instance.capacity };
  }
}
