import { Controller, Get, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { getObjective, type GetObjectiveReply } from '@signalbox/shared/contracts/registry/get-objective.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/objectives')
export class GetObjectiveRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':name')
  @Operation(getObjective, { summary: 'One objective with its manifest' })
  handle(@Param('name') name: string, @FromCaller() caller: Caller): Promise<GetObjectiveReply> {
    return this.bus.request(getObjective, { name }, caller);
  }
}
