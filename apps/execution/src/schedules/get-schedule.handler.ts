import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { getSchedule, type GetScheduleReply, type GetScheduleRequest } from '@signalbox/shared/contracts/execution/get-schedule.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { ScheduleStore } from './schedule.store.ts';

@Controller()
export class GetScheduleHandler {
  constructor(private readonly store: ScheduleStore) {}

  @Handles(getSchedule)
  async handle(@Payload() { name }: GetScheduleRequest, @FromCaller() { workspace }: Caller): Promise<GetScheduleReply> {
    const { view, manifest } = await this.store.get(workspace, name);
    return { ...view, manifest: manifest as unknown as Record<string, unknown> };
  }
}
