import { Controller, Param, Post, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { startDeployment, type StartDeploymentReply } from '@signalbox/shared/contracts/registry/start-deployment.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { ApplyQuery } from '../../platform/apply-query.ts';

@Controller('api/v1/deployments')
export class StartDeploymentRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':name/start')
  @Operation(startDeployment, {
    summary: 'Bring a deployment up, in order of its dependencies',
    description:
      'The answer is the plan; the board and events show how it goes. `dryRun=true`: only the plan. Started again, it tries again what failed.',
    query: ApplyQuery,
    status: 202,
  })
  handle(@Param('name') name: string, @Query() query: ApplyQuery, @FromCaller() caller: Caller): Promise<StartDeploymentReply> {
    return this.bus.request(startDeployment, { name, ...query }, caller);
  }
}
