import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  retryNotification,
  type RetryNotificationReply,
  RetryNotificationRequest,
} from '@signalbox/shared/contracts/registry/retry-notification.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { NotificationStore, notificationView } from './notification.store.ts';

@Controller()
export class RetryNotificationHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly notifications: NotificationStore,
    private readonly audit: Audit,
  ) {}

  @Handles(retryNotification)
  handle(@Payload() { id }: RetryNotificationRequest, @FromCaller() caller: Caller): Promise<RetryNotificationReply> {
    const uuid = toUuid(id, 'ntf');
    return this.db.inWorkspace(caller.workspace, async (tx) => {
      const row = await this.notifications.find(tx, uuid);
      if (row === null) throw new Fault('not_found', `there is no notification ${id}`, 'Look at the list: signalbox notifications.');
      if (row.status !== 'dead') {
        const next = row.status === 'sent' ? 'There is nothing to do.' : 'Wait: it is tried again by itself.';
        throw new Fault('conflict', `the notification ${id} ${row.status === 'sent' ? 'was sent' : 'waits to be sent'}`, next);
      }
      const after = await this.notifications.revive(tx, uuid);
      await this.audit.append(tx, caller, { action: 'notification.retry', target: `notification ${id}` });
      return notificationView(after);
    });
  }
}
