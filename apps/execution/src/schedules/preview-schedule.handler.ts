import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  previewSchedule,
  type PreviewScheduleReply,
  type PreviewScheduleRequest,
} from '@signalbox/shared/contracts/execution/preview-schedule.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { rhythmOf, upcoming } from './rhythm.ts';

const countDefault = 5;

@Controller()
export class PreviewScheduleHandler {
  @Handles(previewSchedule)
  handle(@Payload() { count = countDefault, ...rhythm }: PreviewScheduleRequest): PreviewScheduleReply {
    return { times: upcoming(rhythmOf(rhythm), count, now()).map((time) => new Date(time).toISOString()) };
  }
}
