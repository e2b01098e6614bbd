import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import type { BusCall } from '@signalbox/shared/bus/bus-call.js';
import { FromCall, Handles } from '@signalbox/shared/bus/handles.js';
import { runSchedule, type RunScheduleReply, type RunScheduleRequest } from '@signalbox/shared/contracts/execution/run-schedule.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { record } from './firing.store.ts';
import { Ignition } from './ignition.ts';
import { scheduleOf, scopeOf } from './schedule.ts';
import { ScheduleStore } from './schedule.store.ts';

@Controller()
export class RunScheduleHandler {
  constructor(
    private readonly store: ScheduleStore,
    private readonly ignition: Ignition,
    private readonly db: WorkspaceDatabase,
  ) {}

  @Handles(runSchedule)
  async handle(
    @Payload() { name, idempotencyKey }: RunScheduleRequest,
    @FromCaller() caller: Caller,
    @FromCall() call: BusCall,
  ): Promise<RunScheduleReply> {
    const { manifest, source } = await this.store.get(caller.workspace, name);
    const { input, rhythm } = scheduleOf(manifest);
    const time = now();
    // By a key that is the same whatever the time is by now, which the input may hold.
    const by = idempotencyKey === undefined ? undefined : await this.ignition.keyOf(source, caller, idempotencyKey);
    const { uuid, view } = await this.ignition.start(
      source,
      caller,
      () => input.compute(scopeOf(name, time, rhythm.timeZone, true)),
      by,
      call.life,
    );
    const reason = `started by ${caller.name}`;
    await this.db.inWorkspace(caller.workspace, (tx) =>
      record(tx, caller.workspace, source.id, { key: `manual:${view.id}`, time, outcome: 'started', reason, run: uuid }),
    );
    return view;
  }
}
