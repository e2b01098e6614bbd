import { Body, Controller, Param, Post } from '@nestjs/common';
import { IsOptional, IsString, MaxLength, MinLength } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { scaleBackWorkflow, type ScaleBackWorkflowReply } from '@signalbox/shared/contracts/execution/scale-back-workflow.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

class ScaleBackWorkflowBody {
  /** Why, for those who find it so. */
  @IsOptional() @IsString() @MinLength(1) @MaxLength(500) reason?: string;
}

@Controller('api/v1/workflows')
export class ScaleBackWorkflowRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':name/scale-back')
  @Operation(scaleBackWorkflow, {
    summary: 'Scale a workflow back',
    description: 'New runs get the smaller workflow that it names, until it is restored. Runs that are under way go on.',
    body: ScaleBackWorkflowBody,
    status: 200,
  })
  handle(
    @Param('name') name: string,
    @Body() { reason }: ScaleBackWorkflowBody,
    @FromCaller() caller: Caller,
  ): Promise<ScaleBackWorkflowReply> {
    return this.bus.request(scaleBackWorkflow, { name, ...(reason !== undefined && { reason }) }, caller);
  }
}
