import { Type } from 'class-transformer';
import { IsArray, IsOptional, IsString, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { PageRequest } from '../../bus/page.ts';
import { AgentScale } from './scale.ts';

export class ListScalesRequest extends PageRequest {}

export class ListScalesReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => AgentScale) data!: AgentScale[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** How the pools of all agents with `worker.autoscale` stand, by name. `unavailable`: nobody could say what waits. */
export const listScales = defineContract({
  subject: 'sb.registry.scale.list',
  request: ListScalesRequest,
  reply: ListScalesReply,
  permission: 'agents:read',
  callers: ['api-gateway'],
  timeoutMs: 8_000,
  maxBytes: 4_096,
  idempotent: true,
});
