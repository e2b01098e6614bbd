import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  listStateVersions,
  ListStateVersionsReply,
  ListStateVersionsRequest,
} from '@signalbox/shared/contracts/context/list-state-versions.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { StateStore } from './state.store.ts';
import { unknownKey } from './unknown-key.ts';

@Controller()
export class ListStateVersionsHandler {
  constructor(private readonly store: StateStore) {}

  @Handles(listStateVersions)
  async handle(@Payload() { scope, key }: ListStateVersionsRequest, @FromCaller() { workspace }: Caller): Promise<ListStateVersionsReply> {
    const rows = await this.store.versions(workspace, { scope, key });
    if (rows.length === 0) throw unknownKey(scope, key);
    return {
      data: rows.map(({ version, isDeleted, bytes, updatedAt, updatedBy }) => ({
        version,
        isDeleted,
        bytes,
        updatedAt: updatedAt.toISOString(),
        updatedBy,
      })),
    };
  }
}
