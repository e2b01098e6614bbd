import { Controller, Param, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { runSchedule, type RunScheduleReply } from '@signalbox/shared/contracts/execution/run-schedule.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { IdempotencyKey } from '../../platform/idempotency-key.ts';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/schedules')
export class RunScheduleRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':name/runs')
  @Operation(runSchedule, {
    summary: 'Run a schedule now',
    description: 'With the rights of who asks, whatever its overlap policy says and also while it is paused.',
    status: 202,
  })
  async handle(
    @Param('name') name: string,
    @IdempotencyKey() idempotencyKey: string | undefined,
    @FromCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<RunScheduleReply> {
    const run = await this.bus.request(runSchedule, { name, ...(idempotencyKey !== undefined && { idempotencyKey }) }, caller);
    reply.header('location', `/api/v1/runs/${run.id}`);
    return run;
  }
}
