import { Body, Controller, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { IsInt, IsObject, IsOptional, Max, Min } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { Opaque } from '@signalbox/shared/bus/opaque.js';
import { endedRunStatuses } from '@signalbox/shared/contracts/execution/run-view.js';
import { startRun, type StartRunReply } from '@signalbox/shared/contracts/execution/start-run.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { IdempotencyKey } from '../../platform/idempotency-key.ts';
import { Operation } from '../../platform/operation.ts';
import { WaitQuery } from './wait-query.ts';

class StartRunBody {
  /** What the workflow's input schema allows; `{}` if absent. */
  @IsOptional() @Opaque() input?: unknown;
  /** Names and values to find the run by. */
  @IsOptional() @Opaque() @IsObject() labels?: Record<string, string>;
  /** Ends the run after this time, if the workflow does not do so earlier. */
  @IsOptional() @IsInt() @Min(1) @Max(2_592_000_000) timeoutMs?: number;
  /** How urgent its steps are, from 1 (goes first) to 5; absent: as the workflow says. */
  @IsOptional() @IsInt() @Min(1) @Max(5) priority?: number;
}

@Controller('api/v1/workflows')
export class StartRunRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':name/runs')
  @Operation(startRun, {
    summary: 'Start a workflow',
    description:
      'Answers when the start is kept (202): from then on the run ends, whatever dies. With `waitMs` it answers after that time with the run as it stands, or when it has ended (200). Follow it at `/runs/{id}/events`.',
    body: StartRunBody,
    query: WaitQuery,
    status: 202,
  })
  async handle(
    @Param('name') workflow: string,
    @Body() body: StartRunBody,
    @Query() { waitMs = 0 }: WaitQuery,
    @IdempotencyKey() idempotencyKey: string | undefined,
    @FromCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StartRunReply> {
    const run = await this.bus.request(
      startRun,
      { workflow, ...body, ...(waitMs > 0 && { waitMs }), ...(idempotencyKey !== undefined && { idempotencyKey }) },
      caller,
      { timeoutMs: startRun.timeoutMs + waitMs },
    );
    // Who does not wait is told that it was accepted, also where it has ended with its start.
    if (waitMs > 0 && endedRunStatuses.includes(run.status)) reply.status(200);
    reply.header('location', `/api/v1/runs/${run.id}`);
    return run;
  }
}
