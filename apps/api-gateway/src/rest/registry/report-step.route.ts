import { Body, Controller, Param, Put, Query } from '@nestjs/common';
import { IsIn, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { reportedStates, reportStep, type ReportedState, type ReportStepReply } from '@signalbox/shared/contracts/registry/report-step.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { namePattern } from '@signalbox/shared/ids/ids.js';
import { Operation } from '../../platform/operation.ts';
import { ApplyQuery } from '../../platform/apply-query.ts';

/** `spec` of a StepReport: names that stand in the address may be left out, and must be the same if not. */
class ReportStepBody {
  @IsOptional() @Matches(namePattern) deployment?: string;
  @IsOptional() @Matches(namePattern) agent?: string;
  @IsOptional() @Matches(namePattern) step?: string;
  @IsIn(reportedStates) state!: ReportedState;
  @IsOptional() @IsString() @MaxLength(1_000) note?: string;
}

@Controller('api/v1/deployments')
export class ReportStepRoute {
  constructor(private readonly bus: Bus) {}

  @Put(':deployment/agents/:agent/steps/:step')
  @Operation(reportStep, {
    summary: 'Report a step',
    description: 'Only steps whose source is `reported`. Who reports it is kept with it.',
    body: ReportStepBody,
    query: ApplyQuery,
  })
  handle(
    @Param() address: { deployment: string; agent: string; step: string },
    @Body() body: ReportStepBody,
    @Query() query: ApplyQuery,
    @FromCaller() caller: Caller,
  ): Promise<ReportStepReply> {
    const { deployment, agent, step } = address;
    for (const field of ['deployment', 'agent', 'step'] as const) {
      if (body[field] !== undefined && body[field] !== address[field]) {
        throw new Fault('invalid', `/${field}: must be ${address[field]}, the name in the address`, 'Correct what `errors` names.', {
          errors: [{ pointer: `/${field}`, detail: `must be ${address[field]}, the name in the address` }],
        });
      }
    }
    return this.bus.request(reportStep, { ...body, ...query, deployment, agent, step }, caller);
  }
}
