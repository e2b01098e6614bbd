import { Body, Controller, Param, Post } from '@nestjs/common';
import { IsIn } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { releaseActions, releaseRun, type ReleaseAction, type ReleaseRunReply } from '@signalbox/shared/contracts/execution/release-run.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { requireRunId } from './run-id.ts';

class ReleaseRunBody {
  @IsIn(releaseActions) action!: ReleaseAction;
}

@Controller('api/v1/runs')
export class ReleaseRunRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':id/release')
  @Operation(releaseRun, {
    summary: 'Say what follows for a run that was set aside',
    description:
      'A run that ended its owner three times within a day waits for the reason `quarantined`. `go-on`: it is tried again; `fail`: it has failed, and its steps of `undo` and `finally` are not run. `conflict` when it is not set aside.',
    body: ReleaseRunBody,
    status: 200,
  })
  handle(@Param('id') id: string, @Body() { action }: ReleaseRunBody, @FromCaller() caller: Caller): Promise<ReleaseRunReply> {
    return this.bus.request(releaseRun, { run: requireRunId(id), action }, caller);
  }
}
