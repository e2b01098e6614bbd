import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  runNotificationRule,
  type RunNotificationRuleReply,
  RunNotificationRuleRequest,
} from '@signalbox/shared/contracts/registry/run-notification-rule.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { Occasions } from './occasions.ts';
import { kindOf, unknownRule } from './rule.ts';
import { RuleStore } from './rule.store.ts';

@Controller()
export class RunNotificationRuleHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly rules: RuleStore,
    private readonly occasions: Occasions,
    private readonly audit: Audit,
  ) {}

  @Handles(runNotificationRule)
  async handle(@Payload() { name }: RunNotificationRuleRequest, @FromCaller() caller: Caller): Promise<RunNotificationRuleReply> {
    const rule = await this.db.inWorkspace(caller.workspace, (tx) => this.rules.row(tx, name));
    if (rule === null) throw unknownRule(name);
    if (kindOf(rule.manifest.spec) === 'events') {
      throw new Fault(
        'conflict',
        `the notification rule ${name} waits for events`,
        'Run one with a digest or a review, or test its channels.',
      );
    }
    const messages = await this.occasions.run(rule);
    await this.db.inWorkspace(caller.workspace, (tx) =>
      this.audit.append(tx, caller, { action: 'notification-rule.run', target: `notification rule ${name}`, detail: { messages } }),
    );
    return { name, messages };
  }
}
