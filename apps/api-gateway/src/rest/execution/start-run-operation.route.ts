import { Body, Controller, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { RunOrder, startRunOperation, type StartRunOperationReply } from '@signalbox/shared/contracts/execution/start-run-operation.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { IdempotencyKey } from '../../platform/idempotency-key.ts';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/run-operations')
export class StartRunOperationRoute {
  constructor(private readonly bus: Bus) {}

  @Post()
  @Operation(startRunOperation, {
    summary: 'Cancel, retry, fork or dismiss many runs',
    description: 'It goes on in the service, whether or not anybody waits. With `dryRun` it says how many runs are meant, and which.',
    body: RunOrder,
    status: 202,
  })
  async handle(
    @Body() body: RunOrder,
    @IdempotencyKey() idempotencyKey: string | undefined,
    @FromCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StartRunOperationReply> {
    const started = await this.bus.request(startRunOperation, { ...body, ...(idempotencyKey !== undefined && { idempotencyKey }) }, caller);
    if (started.operation === null) reply.status(200);
    else reply.header('location', `/api/v1/run-operations/${started.operation.id}`);
    return started;
  }
}
