import { Controller, Param, Post } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { retryNotification, type RetryNotificationReply } from '@signalbox/shared/contracts/registry/retry-notification.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { idPattern } from '@signalbox/shared/ids/ids.js';
import { Operation } from '../../platform/operation.ts';

const pattern = idPattern('ntf');

@Controller('api/v1/notifications')
export class RetryNotificationRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':id/retry')
  @Operation(retryNotification, {
    summary: 'Send a notification again that was given up',
    description: 'Under its own identifier: a receiver that had it after all can tell.',
    status: 200,
  })
  handle(@Param('id') id: string, @FromCaller() caller: Caller): Promise<RetryNotificationReply> {
    if (!pattern.test(id)) throw new Fault('not_found', `there is no notification ${id.slice(0, 80)}`, 'Check the identifier.');
    return this.bus.request(retryNotification, { id }, caller);
  }
}
