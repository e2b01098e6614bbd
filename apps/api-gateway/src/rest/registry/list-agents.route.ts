import { Controller, Get, Query } from '@nestjs/common';
import { IsIn, IsOptional } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { agentKinds, agentStatuses, type AgentKind, type AgentStatus } from '@signalbox/shared/contracts/registry/agent.js';
import { listAgents, type ListAgentsReply } from '@signalbox/shared/contracts/registry/list-agents.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { LabelQuery, labelsOf } from './label-query.ts';

class ListAgentsQuery extends LabelQuery {
  @IsOptional() @IsIn(agentKinds) kind?: AgentKind;
  @IsOptional() @IsIn(agentStatuses) status?: AgentStatus;
}

@Controller('api/v1/agents')
export class ListAgentsRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listAgents, { summary: 'List agents by name', query: ListAgentsQuery })
  handle(@Query() query: ListAgentsQuery, @FromCaller() caller: Caller): Promise<ListAgentsReply> {
    return this.bus.request(listAgents, labelsOf(query), caller);
  }
}
