import { Body, Controller, Param, Post } from '@nestjs/common';
import { IsOptional } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { Opaque } from '@signalbox/shared/bus/opaque.js';
import { signalRun, type SignalRunReply } from '@signalbox/shared/contracts/execution/signal-run.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { IdempotencyKey } from '../../platform/idempotency-key.ts';
import { Operation } from '../../platform/operation.ts';
import { requireRunId } from './run-id.ts';

class SignalRunBody {
  /** The output of the step that waits for it; null if absent. */
  @IsOptional() @Opaque() data?: unknown;
}

@Controller('api/v1/runs')
export class SignalRunRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':id/signals/:name')
  @Operation(signalRun, {
    summary: 'Send a signal to a run',
    description: 'The step that waits for it goes on with its data; if none does, the next that will. Answers once it is kept.',
    body: SignalRunBody,
    status: 200,
  })
  handle(
    @Param('id') id: string,
    @Param('name') name: string,
    @Body() { data }: SignalRunBody,
    @IdempotencyKey() idempotencyKey: string | undefined,
    @FromCaller() caller: Caller,
  ): Promise<SignalRunReply> {
    const request = {
      run: requireRunId(id),
      name,
      ...(data !== undefined && { data }),
      ...(idempotencyKey !== undefined && { idempotencyKey }),
    };
    return this.bus.request(signalRun, request, caller);
  }
}
