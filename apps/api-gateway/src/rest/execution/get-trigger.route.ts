import { Controller, Get, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { getTrigger, type GetTriggerReply } from '@signalbox/shared/contracts/execution/get-trigger.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { etagOf } from '../../platform/if-match.ts';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/triggers')
export class GetTriggerRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':name')
  @Operation(getTrigger, { summary: 'One trigger with its manifest' })
  async handle(
    @Param('name') name: string,
    @FromCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<GetTriggerReply> {
    const trigger = await this.bus.request(getTrigger, { name }, caller);
    reply.header('etag', etagOf(trigger.version));
    return trigger;
  }
}
