import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  deleteNotificationRule,
  type DeleteNotificationRuleReply,
  DeleteNotificationRuleRequest,
} from '@signalbox/shared/contracts/registry/delete-notification-rule.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { Grants } from './grants.ts';
import { unknownRule } from './rule.ts';
import { RuleStore } from './rule.store.ts';

@Controller()
export class DeleteNotificationRuleHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly rules: RuleStore,
    private readonly grants: Grants,
    private readonly audit: Audit,
  ) {}

  @Handles(deleteNotificationRule)
  async handle(@Payload() { name }: DeleteNotificationRuleRequest, @FromCaller() caller: Caller): Promise<DeleteNotificationRuleReply> {
    const grant = await this.db.inWorkspace(caller.workspace, async (tx) => {
      const bearer = await this.rules.delete(tx, name);
      if (bearer === null) throw unknownRule(name);
      await this.audit.append(tx, caller, { action: 'notification-rule.delete', target: `notification rule ${name}` });
      return bearer;
    });
    await this.grants.giveBack(grant);
    return { name };
  }
}
