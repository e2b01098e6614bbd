import { Controller, Param, Post } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { runNotificationRule, type RunNotificationRuleReply } from '@signalbox/shared/contracts/registry/run-notification-rule.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/notification-rules')
export class RunNotificationRuleRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':name/run')
  @Operation(runNotificationRule, {
    summary: 'Send the digest or review of a notification rule now',
    description: 'The next one comes at its time, and tells the same.',
    status: 200,
  })
  handle(@Param('name') name: string, @FromCaller() caller: Caller): Promise<RunNotificationRuleReply> {
    return this.bus.request(runNotificationRule, { name }, caller);
  }
}
