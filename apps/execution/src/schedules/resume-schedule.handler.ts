import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  resumeSchedule,
  type ResumeScheduleReply,
  type ResumeScheduleRequest,
} from '@signalbox/shared/contracts/execution/resume-schedule.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { offsetOf } from './move.ts';
import { nextAfter } from './rhythm.ts';
import { scheduleOf } from './schedule.ts';
import { ScheduleClock } from './schedule-clock.ts';
import { ScheduleStore } from './schedule.store.ts';

@Controller()
export class ResumeScheduleHandler {
  constructor(
    private readonly store: ScheduleStore,
    private readonly clock: ScheduleClock,
    private readonly audit: Audit,
  ) {}

  @Handles(resumeSchedule)
  async handle(@Payload() { name }: ResumeScheduleRequest, @FromCaller() caller: Caller): Promise<ResumeScheduleReply> {
    const { view } = await this.store.resume(
      caller.workspace,
      name,
      ({ manifest, source }) => {
        const { rhythm, jitterMs } = scheduleOf(manifest);
        return { next: nextAfter(rhythm, now()), offsetMs: offsetOf(source.id, jitterMs) };
      },
      (tx) => this.audit.append(tx, caller, { action: 'schedule.resume', target: `schedule ${name}` }),
    );
    this.clock.wake();
    return view;
  }
}
