import { Body, Controller, Param, Put, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { IsObject, IsOptional, IsString, MaxLength } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { Opaque } from '@signalbox/shared/bus/opaque.js';
import { applyWorkflow, type ApplyWorkflowReply } from '@signalbox/shared/contracts/execution/apply-workflow.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { ApplyQuery } from '../../platform/apply-query.ts';
import { etagOf, IfMatch } from '../../platform/if-match.ts';
import { Operation } from '../../platform/operation.ts';

class ApplyWorkflowBody {
  @IsOptional() @IsString() apiVersion?: string;
  @IsOptional() @IsString() kind?: string;
  @IsOptional() @Opaque() @IsObject() metadata?: Record<string, unknown>;
  @IsOptional() @Opaque() @IsObject() spec?: Record<string, unknown>;

  /** Instead of the manifest: its YAML text. Faults then name line and column. */
  @IsOptional() @IsString() @MaxLength(262_144) source?: string;
}

@Controller('api/v1/workflows')
export class ApplyWorkflowRoute {
  constructor(private readonly bus: Bus) {}

  @Put(':name')
  @Operation(applyWorkflow, {
    summary: 'Create or replace a workflow',
    description: 'The body is the manifest, or `{ "source": "…" }` with its YAML. Runs that live keep the definition they began with.',
    body: ApplyWorkflowBody,
    query: ApplyQuery,
  })
  async handle(
    @Param('name') name: string,
    @Body() body: ApplyWorkflowBody,
    @Query() query: ApplyQuery,
    @IfMatch() expectedVersion: number | undefined,
    @FromCaller() caller: Caller,
    @Res({ passthrough: true }) response: FastifyReply,
  ): Promise<ApplyWorkflowReply> {
    const { source, ...manifest } = body;
    const reply = await this.bus.request(
      applyWorkflow,
      {
        name,
        ...(source === undefined ? { manifest } : { source }),
        ...query,
        ...(expectedVersion !== undefined && { expectedVersion }),
      },
      caller,
    );
    if (!query.dryRun) response.header('etag', etagOf(reply.resource.version));
    return reply;
  }
}
