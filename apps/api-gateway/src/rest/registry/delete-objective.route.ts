import { Controller, Delete, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { deleteObjective, type DeleteObjectiveReply } from '@signalbox/shared/contracts/registry/delete-objective.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/objectives')
export class DeleteObjectiveRoute {
  constructor(private readonly bus: Bus) {}

  @Delete(':name')
  @Operation(deleteObjective, { summary: 'Take an objective away; what the product promises counts again' })
  handle(@Param('name') name: string, @FromCaller() caller: Caller): Promise<DeleteObjectiveReply> {
    return this.bus.request(deleteObjective, { name }, caller);
  }
}
