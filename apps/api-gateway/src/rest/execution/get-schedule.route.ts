import { Controller, Get, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { getSchedule, type GetScheduleReply } from '@signalbox/shared/contracts/execution/get-schedule.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { etagOf } from '../../platform/if-match.ts';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/schedules')
export class GetScheduleRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':name')
  @Operation(getSchedule, { summary: 'One schedule with its manifest' })
  async handle(
    @Param('name') name: string,
    @FromCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<GetScheduleReply> {
    const schedule = await this.bus.request(getSchedule, { name }, caller);
    reply.header('etag', etagOf(schedule.version));
    return schedule;
  }
}
