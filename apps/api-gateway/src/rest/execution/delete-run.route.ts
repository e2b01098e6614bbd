import { Controller, Delete, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { deleteRun } from '@signalbox/shared/contracts/execution/delete-run.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { requireRunId } from './run-id.ts';

@Controller('api/v1/runs')
export class DeleteRunRoute {
  constructor(private readonly bus: Bus) {}

  @Delete(':id')
  @Operation(deleteRun, {
    summary: 'Delete a run that has ended',
    description:
      'All that is recorded of it goes, and the runs that its steps started with it. The artifacts that they made go too; the audit keeps who deleted it.',
    status: 204,
  })
  async handle(@Param('id') id: string, @FromCaller() caller: Caller): Promise<void> {
    await this.bus.request(deleteRun, { run: requireRunId(id) }, caller);
  }
}
