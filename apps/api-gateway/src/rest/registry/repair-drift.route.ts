import { Controller, Param, Post, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { repairDrift, type RepairDriftReply } from '@signalbox/shared/contracts/registry/repair-drift.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { ApplyQuery } from '../../platform/apply-query.ts';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/deployments')
export class RepairDriftRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':name/repair')
  @Operation(repairDrift, {
    summary: 'Put right what drifted from the manifest',
    description:
      'The answer says what is done to which member, and what no repair can do. `dryRun=true`: only that. The board and events show how it goes.',
    query: ApplyQuery,
    status: 202,
  })
  handle(@Param('name') name: string, @Query() query: ApplyQuery, @FromCaller() caller: Caller): Promise<RepairDriftReply> {
    return this.bus.request(repairDrift, { name, ...query }, caller);
  }
}
