import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { SystemDatabase, WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { ChannelSender } from '../channels/channel-sender.ts';
import { ChannelStore } from '../channels/channel.store.ts';
import { failed, type Outcome } from '../channels/outcome.ts';
import { RegistryConfig } from '../registry.config.ts';
import { messageOf } from './message.ts';
import { NotificationStore, type NotificationRow } from './notification.store.ts';
import { Occasions } from './occasions.ts';
import { pauseAfter } from './pause.ts';

const everyMs = 250;
/** Messages that one replica sends at once. */
const atOnceMax = 32;
/** A claim outlives what an attempt may take, its secrets read with it; who holds it longer has died. */
const claimMarginMs = 15_000;
/** With pauses up to an hour these are about six hours. */
const attemptsMax = 15;
/** Digests and reviews are no matter of a second. */
const occasionsEveryMs = 1_000;
/** What was sent is kept for a week, what was given up for a month. */
const sentKeepMs = 7 * 86_400_000;
const deadKeepMs = 30 * 86_400_000;
const forgetMax = 500;
const forgetEveryMs = 60_000;

/** Sends what is due. Each replica does; a claim on the row makes that one sends it at a time. */
@Injectable()
export class Deliveries implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private timer: NodeJS.Timeout | null = null;
  private round: Promise<void> | null = null;
  private occasionsAt = -Infinity;
  private forgotAt = -Infinity;
  private readonly sending = new Set<Promise<void>>();

  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly system: SystemDatabase,
    private readonly notifications: NotificationStore,
    private readonly channels: ChannelStore,
    private readonly sender: ChannelSender,
    private readonly occasions: Occasions,
    private readonly config: RegistryConfig,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      // A round that takes long is not followed by a queue of them.
      this.round ??= this.look()
        .catch((err: unknown) => log.warn('notifications were not looked after', { err }))
        .finally(() => (this.round = null));
    }, everyMs);
  }

  async beforeApplicationShutdown(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    await this.round;
    await Promise.all(this.sending);
  }

  private async look(): Promise<void> {
    const room = atOnceMax - this.sending.size;
    if (room > 0) {
      const claimMs = this.config.notificationTimeoutMs + claimMarginMs;
      for (const row of await this.system.run((tx) => this.notifications.claim(tx, claimMs, room))) {
        const sending: Promise<void> = this.deliver(row)
          .catch((err: unknown) => log.warn('what became of a notification was not written', { notification: row.id, err }))
          .finally(() => this.sending.delete(sending));
        this.sending.add(sending);
      }
    }
    const moment = performance.now();
    if (moment - this.occasionsAt < occasionsEveryMs) return;
    this.occasionsAt = moment;
    await this.occasions.look();
    if (moment - this.forgotAt < forgetEveryMs) return;
    this.forgotAt = moment;
    await this.system.run((tx) => this.notifications.forget(tx, sentKeepMs, deadKeepMs, forgetMax));
  }

  private async deliver(row: NotificationRow): Promise<void> {
    const { workspace, channel: name, rule } = row;
    const { channel, notices } = await this.db.inWorkspace(workspace, async (tx) => ({
      channel: await this.channels.find(tx, name),
      notices: row.message === null ? await this.notifications.notices(tx, row.id) : [],
    }));
    if (channel === null) return this.write(row, failed(`there is no channel ${name} any more`, { isFinal: true }));
    if (channel.pausedReason !== null) {
      return this.write(row, failed(`the channel is paused: ${channel.pausedReason}`, { isFinal: true }));
    }
    const { events } = row;
    const message = row.message ?? messageOf(notices, events);
    const at = row.created_at.getTime();
    await this.write(row, await this.sender.send(channel, { id: fromUuid('ntf', row.id), rule, at, message, notices, events }));
  }

  private async write(row: NotificationRow, outcome: Outcome): Promise<void> {
    const isDead = !outcome.sent && (outcome.isFinal || row.attempts >= attemptsMax);
    await this.db.inWorkspace(row.workspace, async (tx) => {
      if (outcome.sent) {
        if (await this.notifications.end(tx, row, 'sent', null, null)) await this.channels.sent(tx, row.channel);
        return;
      }
      const { reason, isGone, retryAfterMs = 0 } = outcome;
      const pauseMs = Math.max(pauseAfter(row.attempts, this.config.notificationRetryMs, Math.random()), retryAfterMs);
      const isOurs = await this.notifications.end(tx, row, isDead ? 'dead' : 'waiting', reason, isDead ? null : now() + pauseMs);
      if (isOurs) await this.channels.failed(tx, row.channel, reason, isGone);
    });
    if (isDead)
      log.warn('a notification was given up', { channel: row.channel, rule: row.rule, notification: row.id, reason: outcome.reason });
  }
}
