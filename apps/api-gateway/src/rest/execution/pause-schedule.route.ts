import { Body, Controller, Param, Post } from '@nestjs/common';
import { IsOptional, IsString, MaxLength } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { pauseSchedule, type PauseScheduleReply } from '@signalbox/shared/contracts/execution/pause-schedule.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

class PauseScheduleBody {
  /** Why, for those who find it paused. */
  @IsOptional() @IsString() @MaxLength(500) reason?: string;
}

@Controller('api/v1/schedules')
export class PauseScheduleRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':name/pause')
  @Operation(pauseSchedule, {
    summary: 'Pause a schedule',
    description: 'It starts nothing until it is resumed. Times that pass meanwhile are not caught up.',
    body: PauseScheduleBody,
    status: 200,
  })
  handle(@Param('name') name: string, @Body() { reason }: PauseScheduleBody, @FromCaller() caller: Caller): Promise<PauseScheduleReply> {
    return this.bus.request(pauseSchedule, { name, ...(reason !== undefined && { reason }) }, caller);
  }
}
