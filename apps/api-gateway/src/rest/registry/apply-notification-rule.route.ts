import { Body, Controller, Param, Put, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { applyNotificationRule, type ApplyNotificationRuleReply } from '@signalbox/shared/contracts/registry/apply-notification-rule.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { etagOf, IfMatch } from '../../platform/if-match.ts';
import { Operation } from '../../platform/operation.ts';
import { ApplyQuery } from '../../platform/apply-query.ts';
import { ManifestBody } from './manifest-body.ts';

@Controller('api/v1/notification-rules')
export class ApplyNotificationRuleRoute {
  constructor(private readonly bus: Bus) {}

  @Put(':name')
  @Operation(applyNotificationRule, {
    summary: 'Create a notification rule or replace its manifest',
    description: '`If-Match: "0"`: only if it does not exist yet.',
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
  ): Promise<ApplyNotificationRuleReply> {
    const request = { name, manifest: { ...manifest }, ...query, ...(expectedVersion !== undefined && { expectedVersion }) };
    const reply = await this.bus.request(applyNotificationRule, request, caller);
    if (!query.dryRun) response.header('etag', etagOf(reply.resource.version));
    return reply;
  }
}
