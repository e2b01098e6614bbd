import { Controller, Get, Query } from '@nestjs/common';
import { IsIn, IsOptional } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { deploymentStatuses, type DeploymentStatus } from '@signalbox/shared/contracts/registry/deployment.js';
import { listDeployments, type ListDeploymentsReply } from '@signalbox/shared/contracts/registry/list-deployments.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { LabelQuery, labelsOf } from './label-query.ts';

class ListDeploymentsQuery extends LabelQuery {
  @IsOptional() @IsIn(deploymentStatuses) status?: DeploymentStatus;
}

@Controller('api/v1/deployments')
export class ListDeploymentsRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listDeployments, { summary: 'List deployments by name', query: ListDeploymentsQuery })
  handle(@Query() query: ListDeploymentsQuery, @FromCaller() caller: Caller): Promise<ListDeploymentsReply> {
    return this.bus.request(listDeployments, labelsOf(query), caller);
  }
}
