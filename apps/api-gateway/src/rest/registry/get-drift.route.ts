import { Controller, Get, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import type { Drift } from '@signalbox/shared/contracts/registry/drift.js';
import { getDrift } from '@signalbox/shared/contracts/registry/get-drift.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/deployments')
export class GetDriftRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':name/drift')
  @Operation(getDrift, {
    summary: 'Where a deployment is not as its manifest wants it',
    description: 'No items: all is as wanted. Each item says what is wanted, what is there, and whether a repair can put it right.',
  })
  handle(@Param('name') name: string, @FromCaller() caller: Caller): Promise<Drift> {
    return this.bus.request(getDrift, { name }, caller);
  }
}
