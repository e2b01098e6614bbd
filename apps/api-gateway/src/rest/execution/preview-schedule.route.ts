import { Body, Controller, Post } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import {
  previewSchedule,
  PreviewScheduleRequest,
  type PreviewScheduleReply,
} from '@signalbox/shared/contracts/execution/preview-schedule.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/schedules')
export class PreviewScheduleRoute {
  constructor(private readonly bus: Bus) {}

  @Post('preview')
  @Operation(previewSchedule, {
    summary: 'The next times of a schedule that need not exist yet',
    description: 'Nothing is stored. A wrong field is named in `errors`.',
    body: PreviewScheduleRequest,
    status: 200,
  })
  handle(@Body() body: PreviewScheduleRequest, @FromCaller() caller: Caller): Promise<PreviewScheduleReply> {
    return this.bus.request(previewSchedule, { ...body }, caller);
  }
}
