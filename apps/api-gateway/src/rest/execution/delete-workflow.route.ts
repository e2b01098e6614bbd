import { Controller, Delete, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { deleteWorkflow } from '@signalbox/shared/contracts/execution/delete-workflow.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/workflows')
export class DeleteWorkflowRoute {
  constructor(private readonly bus: Bus) {}

  @Delete(':name')
  @Operation(deleteWorkflow, { summary: 'Take a workflow away', description: 'Its runs go on and stay.', status: 204 })
  async handle(@Param('name') name: string, @FromCaller() caller: Caller): Promise<void> {
    await this.bus.request(deleteWorkflow, { name }, caller);
  }
}
