import { Injectable } from '@nestjs/common';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import type { EntityManager } from 'typeorm';
import { rowsOf } from '../database/sql.ts';
import { cut } from './message.ts';
import type { Notice } from './notice.ts';
import { NotificationStore } from './notification.store.ts';
import { dueAt, groupOf, rateDefault, wants } from './rule.ts';
import type { NotificationRuleSpec } from './rule-spec.ts';
import { RuleStore } from './rule.store.ts';

/** What is beyond a rule's rate gathers under this key; no other begins with it. */
const overflowKey = '*';
const titleMax = 500;

/** Turns what happened into messages that gather, by the rules of the workspace. An event that comes again becomes none. */
@Injectable()
export class Notifier {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly rules: RuleStore,
    private readonly notifications: NotificationStore,
  ) {}

  /** `event` is the UUID of what was heard. */
  async tell(workspace: string, event: string, notice: Notice): Promise<void> {
    await this.db.inWorkspace(workspace, async (tx) => {
      const all = (await this.rules.all(tx)).map(({ manifest }) => manifest);
      if (all.length === 0) return;
      const labels = all.some(({ spec }) => spec.labels !== undefined)
        ? await labelsOf(tx, notice.agents)
        : new Map<string, Record<string, string>>();
      const wanting = all.filter(({ spec }) => wants(spec, notice, labels));
      if (wanting.length === 0) return;
      await this.rules.lockForEvents(
        tx,
        wanting.map(({ metadata }) => metadata.name),
      );
      for (const { metadata, spec } of wanting) {
        for (const channel of spec.channels) await this.put(tx, workspace, { rule: metadata.name, spec, channel }, event, notice);
      }
    });
  }

  private async put(
    tx: EntityManager,
    workspace: string,
    { rule, spec, channel }: { rule: string; spec: NotificationRuleSpec; channel: string },
    event: string,
    notice: Notice,
  ): Promise<void> {
    if (!(await this.notifications.isNew(tx, event, rule, channel))) return;
    // What is critical waits for nothing less: it gathers by itself, and no rate holds it.
    const isCritical = notice.severity === 'critical';
    const groupKey = `${groupOf(spec, notice)}${isCritical ? ' critical' : ''}`;
    const open =
      (await this.notifications.gathering(tx, rule, channel, groupKey)) ??
      (isCritical ? null : await this.notifications.gathering(tx, rule, channel, overflowKey));
    const notification = open?.id ?? (await this.begin(tx, workspace, { rule, spec, channel }, groupKey, notice));
    await this.notifications.add(tx, workspace, notification, event, rule, channel, notice);
  }

  private async begin(
    tx: EntityManager,
    workspace: string,
    { rule, spec, channel }: { rule: string; spec: NotificationRuleSpec; channel: string },
    groupKey: string,
    notice: Notice,
  ): Promise<string> {
    const at = now();
    const { max, perMs } = spec.rate ?? rateDefault;
    const due = dueAt(spec, notice.severity, at);
    const { count, oldest } = await this.notifications.sentSince(tx, rule, channel, at - perMs, max);
    const isFull = notice.severity !== 'critical' && count >= max && oldest !== null;
    const facts = {
      workspace,
      rule,
      channel,
      kind: 'events' as const,
      title: cut(notice.title, titleMax),
      severity: notice.severity,
      at: notice.at,
    };
    return this.notifications.begin(tx, {
      ...facts,
      groupKey: isFull ? overflowKey : groupKey,
      dueAt: isFull ? Math.max(due, oldest.getTime() + perMs) : due,
    });
  }
}

async function labelsOf(tx: EntityManager, agents: readonly string[]): Promise<Map<string, Record<string, string>>> {
  const rows = await rowsOf<{ name: string; labels: Record<string, string> }>(tx, `SELECT name, labels FROM agent WHERE name = ANY($1)`, [
    agents,
  ]);
  return new Map(rows.map(({ name, labels }) => [name, labels]));
}
