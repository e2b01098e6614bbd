import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { decodeCursor, pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import {
  listNotificationRules,
  type ListNotificationRulesReply,
  ListNotificationRulesRequest,
} from '@signalbox/shared/contracts/registry/list-notification-rules.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { ruleView } from './rule.ts';
import { RuleStore } from './rule.store.ts';

@Controller()
export class ListNotificationRulesHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly rules: RuleStore,
  ) {}

  @Handles(listNotificationRules)
  async handle(
    @Payload() { cursor, limit = pageLimitDefault, q = '' }: ListNotificationRulesRequest,
    @FromCaller() { workspace }: Caller,
  ): Promise<ListNotificationRulesReply> {
    const after = cursor === undefined ? '' : decodeCursor(cursor, 1)[0]!;
    const words = q.toLowerCase().split(/\s+/);
    const all = (await this.db.inWorkspace(workspace, (tx) => this.rules.all(tx))).map(ruleView);
    const found = all.filter(
      ({ name, description }) => name > after && words.every((word) => `${name} ${description}`.toLowerCase().includes(word)),
    );
    return pageOf(
      found.slice(0, limit + 1),
      limit,
      ({ name }) => [name],
      (rule) => rule,
    );
  }
}
