import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { pauseSchedule, type PauseScheduleReply, type PauseScheduleRequest } from '@signalbox/shared/contracts/execution/pause-schedule.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { ScheduleStore } from './schedule.store.ts';

@Controller()
export class PauseScheduleHandler {
  constructor(
    private readonly store: ScheduleStore,
    private readonly audit: Audit,
  ) {}

  @Handles(pauseSchedule)
  async handle(@Payload() { name, reason }: PauseScheduleRequest, @FromCaller() caller: Caller): Promise<PauseScheduleReply> {
    const { view } = await this.store.pause(caller.workspace, name, { reason, by: caller.name }, (tx) =>
      this.audit.append(tx, caller, {
        action: 'schedule.pause',
        target: `schedule ${name}`,
        ...(reason !== undefined && { detail: { reason } }),
      }),
    );
    return view;
  }
}
