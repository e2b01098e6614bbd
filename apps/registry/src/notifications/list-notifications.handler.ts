import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import {
  listNotifications,
  type ListNotificationsReply,
  ListNotificationsRequest,
} from '@signalbox/shared/contracts/registry/list-notifications.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import { NotificationStore, notificationView } from './notification.store.ts';

@Controller()
export class ListNotificationsHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly notifications: NotificationStore,
  ) {}

  @Handles(listNotifications)
  async handle(@Payload() request: ListNotificationsRequest, @FromCaller() { workspace }: Caller): Promise<ListNotificationsReply> {
    const rows = await this.db.inWorkspace(workspace, (tx) => this.notifications.list(tx, request));
    return pageOf(rows, request.limit ?? pageLimitDefault, ({ id }) => [fromUuid('ntf', id)], notificationView);
  }
}
