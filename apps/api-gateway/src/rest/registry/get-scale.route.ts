import { Controller, Get, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { getScale } from '@signalbox/shared/contracts/registry/get-scale.js';
import type { AgentScaleDetail } from '@signalbox/shared/contracts/registry/scale.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/agents')
export class GetScaleRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':name/scale')
  @Operation(getScale, {
    summary: 'How many instances an agent should have, and why',
    description: 'For agents with `worker.autoscale`. What waits is read with the caller’s `runs:read`. KEDA reads `wanted` here.',
  })
  handle(@Param('name') agent: string, @FromCaller() caller: Caller): Promise<AgentScaleDetail> {
    return this.bus.request(getScale, { agent }, caller);
  }
}
