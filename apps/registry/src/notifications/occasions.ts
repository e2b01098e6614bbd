import { Injectable } from '@nestjs/common';
import { SystemDatabase, WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import type { EntityManager } from 'typeorm';
import { reviewMessage, reviewOf } from '../reviews/review.ts';
import { ReviewStore } from '../reviews/review.store.ts';
import { digestMessage } from './digest.ts';
import { DigestReader } from './digest-reader.ts';
import type { Message } from './message.ts';
import { NotificationStore } from './notification.store.ts';
import { quietUntil } from './quiet-hours.ts';
import { kindOf, nextOf } from './rule.ts';
import { RuleStore, type RuleRow } from './rule.store.ts';

/** Rules that one round makes messages of; the next takes the rest. */
const roundMax = 20;
/** A first digest tells of the day before. */
const firstPeriodMs = 86_400_000;
/** One after a long time of a week. */
const periodMaxMs = 7 * 86_400_000;
/** Agents that one review names; the list has all of them. */
const reviewsMax = 199;

/** Makes digests and reviews when their time has come, each once, also when nobody was there at that time. */
@Injectable()
export class Occasions {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly system: SystemDatabase,
    private readonly rules: RuleStore,
    private readonly notifications: NotificationStore,
    private readonly reviews: ReviewStore,
    private readonly digests: DigestReader,
  ) {}

  async look(): Promise<void> {
    for (const rule of await this.system.run((tx) => this.rules.due(tx, roundMax))) {
      await this.make(rule).catch((err: unknown) => log.warn('a digest or review was not made', { rule: rule.name, err }));
    }
  }

  /** Sends the digest or review of a rule now, beside those at their times; how many messages that are. */
  async run(rule: RuleRow): Promise<number> {
    const at = now();
    const message = await this.messageOf(rule, at);
    if (message === null) return 0;
    await this.db.inWorkspace(rule.workspace, (tx) => this.begin(tx, rule, message, at, at));
    return rule.manifest.spec.channels.length;
  }

  private async make(rule: RuleRow): Promise<void> {
    const { spec } = rule.manifest;
    const at = now();
    const message = await this.messageOf(rule, at);
    await this.db.inWorkspace(rule.workspace, async (tx) => {
      if (!(await this.rules.take(tx, rule, nextOf(spec, at))) || message === null) return;
      await this.begin(tx, rule, message, at, quietUntil(spec.quietHours ?? [], at));
    });
  }

  private async begin(tx: EntityManager, rule: RuleRow, message: Message, at: number, dueAt: number): Promise<void> {
    const { workspace, name, manifest } = rule;
    const kind = kindOf(manifest.spec);
    const facts = { workspace, rule: name, kind, groupKey: kind, title: message.title, severity: 'low' as const, message };
    for (const channel of manifest.spec.channels) await this.notifications.begin(tx, { ...facts, channel, at, dueAt });
  }

  private messageOf(rule: RuleRow, at: number): Promise<Message | null> {
    return kindOf(rule.manifest.spec) === 'digest' ? this.digest(rule, at) : this.review(rule);
  }

  private async digest({ workspace, bearer, last_at, manifest }: RuleRow, to: number): Promise<Message | null> {
    const from = Math.max(last_at?.getTime() ?? to - firstPeriodMs, to - periodMaxMs);
    return digestMessage(await this.digests.read(workspace, bearer, from), manifest.spec.digest!, { from, to });
  }

  private async review({ workspace, manifest }: RuleRow): Promise<Message | null> {
    const pending = await this.db.inWorkspace(workspace, (tx) => this.reviews.list(tx, { limit: reviewsMax }));
    return reviewMessage(pending.map(reviewOf), manifest.spec.review!.evenIfEmpty);
  }
}
