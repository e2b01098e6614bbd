import { Controller, Get, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { getNotificationRule, type GetNotificationRuleReply } from '@signalbox/shared/contracts/registry/get-notification-rule.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/notification-rules')
export class GetNotificationRuleRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':name')
  @Operation(getNotificationRule, { summary: 'One notification rule with its manifest' })
  handle(@Param('name') name: string, @FromCaller() caller: Caller): Promise<GetNotificationRuleReply> {
    return this.bus.request(getNotificationRule, { name }, caller);
  }
}
