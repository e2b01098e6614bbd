import { Controller, Param, Post } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { resumeSchedule, type ResumeScheduleReply } from '@signalbox/shared/contracts/execution/resume-schedule.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/schedules')
export class ResumeScheduleRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':name/resume')
  @Operation(resumeSchedule, { summary: 'Let a paused schedule go on', status: 200 })
  handle(@Param('name') name: string, @FromCaller() caller: Caller): Promise<ResumeScheduleReply> {
    return this.bus.request(resumeSchedule, { name }, caller);
  }
}
