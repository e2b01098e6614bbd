import { Controller, Delete, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { deleteSchedule } from '@signalbox/shared/contracts/execution/delete-schedule.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/schedules')
export class DeleteScheduleRoute {
  constructor(private readonly bus: Bus) {}

  @Delete(':name')
  @Operation(deleteSchedule, { summary: 'Take a schedule and its history away', description: 'Its runs go on and stay.', status: 204 })
  async handle(@Param('name') name: string, @FromCaller() caller: Caller): Promise<void> {
    await this.bus.request(deleteSchedule, { name }, caller);
  }
}
