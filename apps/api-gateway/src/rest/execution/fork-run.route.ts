import { Body, Controller, Param, Post, Res } from '@nestjs/common';
import { ArrayMaxSize, IsArray, IsObject, IsOptional, IsString, MaxLength } from 'class-validator';
import type { FastifyReply } from 'fastify';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { Opaque } from '@signalbox/shared/bus/opaque.js';
import { forkRun, type ForkRunReply } from '@signalbox/shared/contracts/execution/fork-run.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { IdempotencyKey } from '../../platform/idempotency-key.ts';
import { Operation } from '../../platform/operation.ts';
import { requireRunId } from './run-id.ts';

class ForkRunBody {
  /** Keys of the steps that are done again, with all that follows them; absent: what was not done, items too. */
  @IsOptional() @IsArray() @ArrayMaxSize(500) @IsString({ each: true }) @MaxLength(64, { each: true }) from?: string[];
  /** Another input; what is kept stays as it was. */
  @IsOptional() @Opaque() input?: unknown;
  /** Versions of agents, by their names, at which they do what is done again. At most 50. */
  @IsOptional() @Opaque() @IsObject() versions?: Record<string, number>;
}

@Controller('api/v1/runs')
export class ForkRunRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':id/fork')
  @Operation(forkRun, {
    summary: 'Go on from an ended run',
    description:
      'A new run of the same version, or with other versions of its agents, which keeps what was done. It has the label `forked-from`.',
    body: ForkRunBody,
    status: 202,
  })
  async handle(
    @Param('id') id: string,
    @Body() body: ForkRunBody,
    @IdempotencyKey() idempotencyKey: string | undefined,
    @FromCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ForkRunReply> {
    const request = { run: requireRunId(id), ...body, ...(idempotencyKey !== undefined && { idempotencyKey }) };
    const run = await this.bus.request(forkRun, request, caller);
    reply.header('location', `/api/v1/runs/${run.id}`);
    return run;
  }
}
