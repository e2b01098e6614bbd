import { Controller, Param, Post } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { stopDeployment, type StopDeploymentReply } from '@signalbox/shared/contracts/registry/stop-deployment.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/deployments')
export class StopDeploymentRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':name/stop')
  @Operation(stopDeployment, {
    summary: 'Stop what the local runner started for a deployment',
    description: 'Answered when no process of it is left.',
    status: 200,
  })
  handle(@Param('name') name: string, @FromCaller() caller: Caller): Promise<StopDeploymentReply> {
    return this.bus.request(stopDeployment, { name }, caller);
  }
}
