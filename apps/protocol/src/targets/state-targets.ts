import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { getState } from '@signalbox/shared/contracts/context/get-state.js';
import { putState } from '@signalbox/shared/contracts/context/put-state.js';
import type { StateTarget } from '@signalbox/shared/contracts/protocol/start-task.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { TaskCall } from '../tasks/task.ts';

/** Reads and writes shared state for a task, as its caller. */
@Injectable()
export class StateTargets {
  constructor(private readonly bus: Bus) {}

  /** `{ value, version }`, with version 0 where there is none; after a write `{ version }`, the same for each attempt. `conflict` when another has written since. */
  async perform({ request, ref, caller }: TaskCall, { scope = ref.run, key, set, version }: StateTarget): Promise<object> {
    if (set !== undefined) {
      const expected = version !== undefined && { expectedVersion: version };
      const write = { scope, key, value: set, ...expected, idempotencyKey: request.idempotencyKey };
      const written = await this.bus.request(putState, write, caller);
      return { version: written.version };
    }
    try {
      const read = await this.bus.request(getState, { scope, key }, caller);
      return { value: read.value, version: read.version };
    } catch (thrown) {
      if (Fault.from(thrown).code !== 'not_found') throw thrown;
      return { value: null, version: 0 };
    }
  }
}
