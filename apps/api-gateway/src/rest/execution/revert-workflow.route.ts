import { Body, Controller, Param, Post, Query } from '@nestjs/common';
import { IsInt, Max, Min } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { applyWorkflow, type ApplyWorkflowReply } from '@signalbox/shared/contracts/execution/apply-workflow.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { ApplyQuery } from '../../platform/apply-query.ts';
import { IfMatch } from '../../platform/if-match.ts';
import { Operation } from '../../platform/operation.ts';

class RevertWorkflowBody {
  /** What it was at this version. */
  @IsInt() @Min(1) @Max(2_147_483_647) version!: number;
}

@Controller('api/v1/workflows')
export class RevertWorkflowRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':name/revert')
  @Operation(applyWorkflow, {
    summary: 'Make a workflow what it was at an earlier version',
    description:
      'It is a new version with the definition, description and labels of that one. Runs that live keep the definition they began with.',
    body: RevertWorkflowBody,
    query: ApplyQuery,
    status: 200,
  })
  handle(
    @Param('name') name: string,
    @Body() { version }: RevertWorkflowBody,
    @Query() query: ApplyQuery,
    @IfMatch() expectedVersion: number | undefined,
    @FromCaller() caller: Caller,
  ): Promise<ApplyWorkflowReply> {
    return this.bus.request(applyWorkflow, { name, version, ...query, ...(expectedVersion !== undefined && { expectedVersion }) }, caller);
  }
}
