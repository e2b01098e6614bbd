import { Controller, Delete, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { deleteNotificationRule, type DeleteNotificationRuleReply } from '@signalbox/shared/contracts/registry/delete-notification-rule.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/notification-rules')
export class DeleteNotificationRuleRoute {
  constructor(private readonly bus: Bus) {}

  @Delete(':name')
  @Operation(deleteNotificationRule, { summary: 'Take a notification rule away' })
  handle(@Param('name') name: string, @FromCaller() caller: Caller): Promise<DeleteNotificationRuleReply> {
    return this.bus.request(deleteNotificationRule, { name }, caller);
  }
}
