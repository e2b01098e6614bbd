import { Controller, Delete, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { deleteTrigger } from '@signalbox/shared/contracts/execution/delete-trigger.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/triggers')
export class DeleteTriggerRoute {
  constructor(private readonly bus: Bus) {}

  @Delete(':name')
  @Operation(deleteTrigger, { summary: 'Take a trigger and its history away', description: 'Its runs go on and stay.', status: 204 })
  async handle(@Param('name') name: string, @FromCaller() caller: Caller): Promise<void> {
    await this.bus.request(deleteTrigger, { name }, caller);
  }
}
