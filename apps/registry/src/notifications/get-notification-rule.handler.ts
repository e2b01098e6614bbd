import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  getNotificationRule,
  type GetNotificationRuleReply,
  GetNotificationRuleRequest,
} from '@signalbox/shared/contracts/registry/get-notification-rule.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { ruleView, unknownRule } from './rule.ts';
import { RuleStore } from './rule.store.ts';

@Controller()
export class GetNotificationRuleHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly rules: RuleStore,
  ) {}

  @Handles(getNotificationRule)
  async handle(@Payload() { name }: GetNotificationRuleRequest, @FromCaller() { workspace }: Caller): Promise<GetNotificationRuleReply> {
    const rule = await this.db.inWorkspace(workspace, (tx) => this.rules.find(tx, name));
    if (rule === null) throw unknownRule(name);
    return { ...ruleView(rule), manifest: { ...rule.manifest } };
  }
}
