import { Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsIn, IsOptional, IsString, Matches, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { PageRequest } from '../../bus/page.ts';
import { Agent, agentKinds, agentStatuses, type AgentKind, type AgentStatus } from './agent.ts';

/** `name=value` of one label. */
export const labelFilterPattern = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}=.{0,256}$/;

export class ListAgentsRequest extends PageRequest {
  @IsOptional() @IsIn(agentKinds) kind?: AgentKind;
  @IsOptional() @IsIn(agentStatuses) status?: AgentStatus;
  /** Only agents with all of these labels, each as `team=payments`. */
  @IsOptional() @IsArray() @ArrayMaxSize(8) @Matches(labelFilterPattern, { each: true }) labels?: string[];
}

export class ListAgentsReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => Agent) data!: Agent[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** Agents in order of their names; `q` looks into name, description and skills. */
export const listAgents = defineContract({
  subject: 'sb.registry.agent.list',
  request: ListAgentsRequest,
  reply: ListAgentsReply,
  permission: 'agents:read',
  callers: ['api-gateway', 'execution', 'protocol'],
  timeoutMs: 2_000,
  maxBytes: 4_096,
  idempotent: true,
});
