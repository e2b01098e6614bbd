import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { putState, PutStateReply, PutStateRequest } from '@signalbox/shared/contracts/context/put-state.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { KnownRuns } from '../runs/known-runs.ts';
import { encodeValue, nextEntry, type StateEntry } from './state.ts';
import { StateStore } from './state.store.ts';

@Controller()
export class PutStateHandler {
  constructor(
    private readonly store: StateStore,
    private readonly runs: KnownRuns,
  ) {}

  @Handles(putState)
  async handle(
    @Payload() { scope, key, value, expectedVersion, idempotencyKey }: PutStateRequest,
    @FromCaller() caller: Caller,
  ): Promise<PutStateReply> {
    encodeValue(value); // too large is said before the database is asked
    if (scope.startsWith('run_')) await this.runs.require(caller, scope);
    const next = (current: StateEntry | null): StateEntry => nextEntry(current, value, expectedVersion);
    const written = await this.store.update(caller, { scope, key }, next, idempotencyKey);
    return { version: written!.version };
  }
}
