import { Controller, Get, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import {
  listNotifications,
  type ListNotificationsReply,
  ListNotificationsRequest,
} from '@signalbox/shared/contracts/registry/list-notifications.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/notifications')
export class ListNotificationsRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listNotifications, {
    summary: 'List notifications, the newest first',
    description: 'With `status=dead` those that were given up: `failure` says why.',
    query: ListNotificationsRequest,
  })
  handle(@Query() query: ListNotificationsRequest, @FromCaller() caller: Caller): Promise<ListNotificationsReply> {
    return this.bus.request(listNotifications, query, caller);
  }
}
