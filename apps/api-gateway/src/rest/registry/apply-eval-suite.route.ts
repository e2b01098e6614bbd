import { Body, Controller, Param, Put, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { applyEvalSuite, type ApplyEvalSuiteReply } from '@signalbox/shared/contracts/registry/apply-eval-suite.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { etagOf, IfMatch } from '../../platform/if-match.ts';
import { Operation } from '../../platform/operation.ts';
import { ApplyQuery } from '../../platform/apply-query.ts';
import { ManifestBody } from './manifest-body.ts';

@Controller('api/v1/eval-suites')
export class ApplyEvalSuiteRoute {
  constructor(private readonly bus: Bus) {}

  @Put(':name')
  @Operation(applyEvalSuite, {
    summary: 'Create an eval suite or make its next version',
    description: 'Evals that were made keep the version that they were made with. `If-Match: "0"`: only if it does not exist yet.',
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
  ): Promise<ApplyEvalSuiteReply> {
    const request = { name, manifest: { ...manifest }, ...query, ...(expectedVersion !== undefined && { expectedVersion }) };
    const reply = await this.bus.request(applyEvalSuite, request, caller);
    if (!query.dryRun) response.header('etag', etagOf(reply.resource.version));
    return reply;
  }
}
