import { Controller, Get, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { getDeployment, type GetDeploymentReply } from '@signalbox/shared/contracts/registry/get-deployment.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { etagOf } from '../../platform/if-match.ts';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/deployments')
export class GetDeploymentRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':name')
  @Operation(getDeployment, { summary: 'One deployment with its manifest and every step' })
  async handle(
    @Param('name') name: string,
    @FromCaller() caller: Caller,
    @Res({ passthrough: true }) response: FastifyReply,
  ): Promise<GetDeploymentReply> {
    const deployment = await this.bus.request(getDeployment, { name }, caller);
    response.header('etag', etagOf(deployment.version));
    return deployment;
  }
}
