import { Body, Controller, Param, Put, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { applyObjective, type ApplyObjectiveReply } from '@signalbox/shared/contracts/registry/apply-objective.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { etagOf, IfMatch } from '../../platform/if-match.ts';
import { Operation } from '../../platform/operation.ts';
import { ApplyQuery } from '../../platform/apply-query.ts';
import { ManifestBody } from './manifest-body.ts';

@Controller('api/v1/objectives')
export class ApplyObjectiveRoute {
  constructor(private readonly bus: Bus) {}

  @Put(':name')
  @Operation(applyObjective, {
    summary: 'Create an objective or replace its manifest',
    description: 'What it asks of a KPI takes the place of what the product promises. `If-Match: "0"`: only if it does not exist yet.',
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
  ): Promise<ApplyObjectiveReply> {
    const request = { name, manifest: { ...manifest }, ...query, ...(expectedVersion !== undefined && { expectedVersion }) };
    const reply = await this.bus.request(applyObjective, request, caller);
    if (!query.dryRun) response.header('etag', etagOf(reply.resource.version));
    return reply;
  }
}
