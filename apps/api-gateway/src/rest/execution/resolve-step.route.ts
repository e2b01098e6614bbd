import { Body, Controller, Param, Post } from '@nestjs/common';
import { IsIn, IsOptional } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { Opaque } from '@signalbox/shared/bus/opaque.js';
import {
  resolveActions,
  resolveStep,
  type ResolveAction,
  type ResolveStepReply,
} from '@signalbox/shared/contracts/execution/resolve-step.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { IdempotencyKey } from '../../platform/idempotency-key.ts';
import { Operation } from '../../platform/operation.ts';
import { requireRunId } from './run-id.ts';

class ResolveStepBody {
  @IsIn(resolveActions) action!: ResolveAction;
  /** With `output`: what the step gives; null if absent. */
  @IsOptional() @Opaque() output?: unknown;
}

@Controller('api/v1/runs')
export class ResolveStepRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':id/steps/:key/resolve')
  @Operation(resolveStep, {
    summary: 'Say what follows a lost attempt',
    description:
      'Of a step with `onCrash: ask` whose executor was lost: it is tried again, has failed, or has given `output`. `conflict` when the step does not wait for that.',
    body: ResolveStepBody,
    status: 200,
  })
  handle(
    @Param('id') id: string,
    @Param('key') key: string,
    @Body() { action, output }: ResolveStepBody,
    @IdempotencyKey() idempotencyKey: string | undefined,
    @FromCaller() caller: Caller,
  ): Promise<ResolveStepReply> {
    const request = {
      run: requireRunId(id),
      key,
      action,
      ...(output !== undefined && { output }),
      ...(idempotencyKey !== undefined && { idempotencyKey }),
    };
    return this.bus.request(resolveStep, request, caller);
  }
}
