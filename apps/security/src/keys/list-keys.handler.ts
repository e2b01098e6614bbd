import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import { listKeys, ListKeysRequest, type ListKeysReply } from '@signalbox/shared/contracts/security/list-keys.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { parsePrincipalId } from '../credentials/principal-id.ts';
import { uuidCursor } from '../credentials/uuid-cursor.ts';
import { shownKey } from './key.ts';
import { KeyStore } from './key.store.ts';

@Controller()
export class ListKeysHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly store: KeyStore,
  ) {}

  @Handles(listKeys)
  async handle(
    @Payload() { principal, state, q = '', cursor, limit = pageLimitDefault }: ListKeysRequest,
    @FromCaller() { workspace }: Caller,
  ): Promise<ListKeysReply> {
    const filters = {
      principal: principal === undefined ? null : parsePrincipalId(principal).uuid,
      state,
      q,
      after: uuidCursor(cursor),
      limit: limit + 1,
    };
    const found = await this.db.inWorkspace(workspace, (tx) => this.store.list(tx, workspace, filters));
    return pageOf(found, limit, ({ uuid }) => [uuid], shownKey);
  }
}
