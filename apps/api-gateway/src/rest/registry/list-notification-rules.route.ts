import { Controller, Get, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { PageRequest } from '@signalbox/shared/bus/page.js';
import { listNotificationRules, type ListNotificationRulesReply } from '@signalbox/shared/contracts/registry/list-notification-rules.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/notification-rules')
export class ListNotificationRulesRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listNotificationRules, { summary: 'List notification rules by name', query: PageRequest })
  handle(@Query() query: PageRequest, @FromCaller() caller: Caller): Promise<ListNotificationRulesReply> {
    return this.bus.request(listNotificationRules, { ...query }, caller);
  }
}
