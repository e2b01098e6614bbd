import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  deleteSchedule,
  type DeleteScheduleReply,
  type DeleteScheduleRequest,
} from '@signalbox/shared/contracts/execution/delete-schedule.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { ScheduleStore } from './schedule.store.ts';

@Controller()
export class DeleteScheduleHandler {
  constructor(
    private readonly store: ScheduleStore,
    private readonly audit: Audit,
  ) {}

  @Handles(deleteSchedule)
  async handle(@Payload() { name }: DeleteScheduleRequest, @FromCaller() caller: Caller): Promise<DeleteScheduleReply> {
    await this.store.delete(caller.workspace, name, (tx) =>
      this.audit.append(tx, caller, { action: 'schedule.delete', target: `schedule ${name}` }),
    );
    return {};
  }
}
