import { Body, Controller, Param, Put, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { applyDeployment, type ApplyDeploymentReply } from '@signalbox/shared/contracts/registry/apply-deployment.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { etagOf, IfMatch } from '../../platform/if-match.ts';
import { Operation } from '../../platform/operation.ts';
import { ApplyQuery } from '../../platform/apply-query.ts';
import { ManifestBody } from './manifest-body.ts';

@Controller('api/v1/deployments')
export class ApplyDeploymentRoute {
  constructor(private readonly bus: Bus) {}

  @Put(':name')
  @Operation(applyDeployment, {
    summary: 'Create a deployment or replace its manifest',
    description: 'It starts nothing. Steps that keep their name and source keep their state.',
    body: ManifestBody,
    query: ApplyQuery,
  })
  async handle(
    @Param('name') name: string,
    @Body() manifest: ManifestBody,
    @Query() query: ApplyQuery,
    @IfMatch() expectedVersion: number | undefined,
    @FromCaller() caller: Caller,
    @Res({ passthrough: true }) response: FastifyReply,
  ): Promise<ApplyDeploymentReply> {
    const request = { name, manifest: { ...manifest }, ...query, ...(expectedVersion !== undefined && { expectedVersion }) };
    const reply = await this.bus.request(applyDeployment, request, caller);
    if (!query.dryRun) response.header('etag', etagOf(reply.resource.version));
    return reply;
  }
}
