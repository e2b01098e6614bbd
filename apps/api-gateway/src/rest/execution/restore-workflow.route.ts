import { Controller, Param, Post } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { restoreWorkflow, type RestoreWorkflowReply } from '@signalbox/shared/contracts/execution/restore-workflow.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/workflows')
export class RestoreWorkflowRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':name/restore')
  @Operation(restoreWorkflow, {
    summary: 'Restore a workflow that is scaled back',
    description:
      'New runs get the workflow itself again. While capacity is short it is scaled back anew once that has lasted as long as it says.',
    status: 200,
  })
  handle(@Param('name') name: string, @FromCaller() caller: Caller): Promise<RestoreWorkflowReply> {
    return this.bus.request(restoreWorkflow, { name }, caller);
  }
}
