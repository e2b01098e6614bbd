import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { deleteState, DeleteStateReply, DeleteStateRequest } from '@signalbox/shared/contracts/context/delete-state.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { deletedEntry } from './state.ts';
import { StateStore } from './state.store.ts';
import { unknownKey } from './unknown-key.ts';

@Controller()
export class DeleteStateHandler {
  constructor(private readonly store: StateStore) {}

  @Handles(deleteState)
  async handle(@Payload() { scope, key, expectedVersion }: DeleteStateRequest, @FromCaller() caller: Caller): Promise<DeleteStateReply> {
    const deleted = await this.store.update(caller, { scope, key }, (current) => deletedEntry(current, expectedVersion));
    if (!deleted) throw unknownKey(scope, key);
    return { version: deleted.version };
  }
}
