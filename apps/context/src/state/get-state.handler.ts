import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { getState, GetStateReply, GetStateRequest } from '@signalbox/shared/contracts/context/get-state.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { StateStore } from './state.store.ts';
import { unknownKey } from './unknown-key.ts';

@Controller()
export class GetStateHandler {
  constructor(private readonly store: StateStore) {}

  @Handles(getState)
  async handle(@Payload() { scope, key, version }: GetStateRequest, @FromCaller() { workspace }: Caller): Promise<GetStateReply> {
    const found = await this.store.find(workspace, { scope, key }, version);
    if (!found || found.isDeleted) throw unknownKey(scope, key);
    return {
      scope,
      key,
      version: found.version,
      value: found.value,
      updatedAt: found.updatedAt.toISOString(),
      updatedBy: found.updatedBy,
    };
  }
}
