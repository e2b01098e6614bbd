import { Type } from 'class-transformer';
import { IsBoolean, IsIn, IsInt, IsOptional, Matches, Min, ValidateNested } from 'class-validator';
import { defineEvent } from '../../bus/contract.ts';
import { idPattern, namePattern } from '../../ids/ids.ts';
import { instanceNamePattern, instanceStatuses, type InstanceStatus } from './instance.ts';

export class RoutedInstance {
  @Matches(idPattern('instance')) id!: string;
  @Matches(instanceNamePattern) instance!: string;
  @IsIn(instanceStatuses) status!: InstanceStatus;
  @IsInt() @Min(0) capacity!: number;
}

export class RoutingChanged {
  @Matches(namePattern) agent!: string;
  /** What changed: the agent itself, or one of its instances. `routing`: one of them was isolated or let in again. */
  @IsIn(['manifest', 'status', 'routing', 'deleted', 'instance']) change!: 'manifest' | 'status' | 'routing' | 'deleted' | 'instance';
  /** With `routing`: the agent with all of its instances is isolated now. */
  @IsOptional() @IsBoolean() isIsolated?: boolean;
  @IsOptional() @ValidateNested() @Type(() => RoutedInstance) instance?: RoutedInstance;
}

/**
 * What may be given work, and what no more: told right after the commit, to every replica that listens. It may be missed; `agent.changed` and
 * `instance.changed` say the same for sure, a little later. Entity and version are those of the agent or instance.
 */
export const routingChanged = defineEvent({
  subject: 'sb.live.registry.routing.changed',
  payload: RoutingChanged,
  listeners: ['execution', 'registry'],
});
