import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { getRollout, type GetRolloutReply, GetRolloutRequest } from '@signalbox/shared/contracts/registry/get-rollout.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller, may } from '@signalbox/shared/identity/caller.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { MirrorStore } from './mirror.store.ts';
import { entryView, rolloutView, unknownRollout } from './rollout-row.ts';
import { RolloutStore } from './rollout.store.ts';

@Controller()
export class GetRolloutHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly store: RolloutStore,
    private readonly pairs: MirrorStore,
  ) {}

  @Handles(getRollout)
  handle(@Payload() { id }: GetRolloutRequest, @FromCaller() caller: Caller): Promise<GetRolloutReply> {
    return this.db.inWorkspace(caller.workspace, async (tx) => {
      const row = await this.store.find(tx, toUuid(id, 'rollout'));
      if (row === null) throw unknownRollout(id);
      // They are what runs were asked and have answered.
      const pairs = may(caller, 'runs:read') ? await this.pairs.list(tx, row.id) : [];
      return { ...rolloutView(row), history: (await this.store.entries(tx, row.id)).map(entryView), ...(pairs.length > 0 && { pairs }) };
    });
  }
}
