import { Body, Controller, Param, Post } from '@nestjs/common';
import { IsBoolean, IsOptional, Matches } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { upgradeRun, type UpgradeRunReply } from '@signalbox/shared/contracts/execution/upgrade-run.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { requireRunId } from './run-id.ts';
import { hashPattern } from '@signalbox/shared/contracts/registry/agent.js';

class UpgradeRunBody {
  /** `sha256:…` of a definition of the run's workflow; absent: the one that the workflow has now. */
  @IsOptional() @Matches(hashPattern) hash?: string;
  /** Only says what would happen. */
  @IsOptional() @IsBoolean() dryRun?: boolean;
}

@Controller('api/v1/runs')
export class UpgradeRunRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':id/upgrade')
  @Operation(upgradeRun, {
    summary: 'Have a live run go on by another version of its workflow',
    description:
      'What has begun stays as it began. 409 names each place that does not fit; `dryRun` says them beforehand, with all that differs.',
    body: UpgradeRunBody,
    status: 200,
  })
  handle(@Param('id') id: string, @Body() body: UpgradeRunBody, @FromCaller() caller: Caller): Promise<UpgradeRunReply> {
    return this.bus.request(upgradeRun, { run: requireRunId(id), ...body }, caller);
  }
}
