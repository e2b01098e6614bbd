import { Injectable } from '@nestjs/common';
import type { KpiName } from '@signalbox/shared/contracts/registry/kpi-names.js';
import { installation, type KpiEntry } from '@signalbox/shared/contracts/registry/record-kpis.js';
import { addBuckets, bucketOf } from '@signalbox/shared/kpi/histogram.js';
import { newUuid } from '@signalbox/shared/ids/ids.js';
import type { EntityManager } from 'typeorm';
import { changedRows, rowsOf } from '../database/sql.ts';
import { beginOf, keptMs, widthMs, widths, type Bucket, type Sums, type Width } from './kpi-figures.ts';

/** Rows deleted at once. */
const page = 5_000;
/** Reports may come again for so long. */
const reportsMs = 86_400_000;
/** Buckets of an older time than is kept are not taken, nor of one that has not come. */
const aheadMs = 120_000;

interface BucketRow extends Sums {
  kpi: KpiName;
  width: Width;
  at: Date;
}

export interface BurnRow {
  id: string;
  urgency: 'page' | 'ticket';
  event_version: number;
}

/** What was measured, by the minute, the hour and the day. Methods work by the system's role, but for those that say otherwise. */
@Injectable()
export class KpiStore {
  /** Adds a report, once: false where it was added before. */
  async record(tx: EntityManager, report: string, entries: readonly KpiEntry[], now: number): Promise<boolean> {
    const rows = await rowsOf(tx, `INSERT INTO kpi_report (id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING id`, [report]);
    if (rows.length === 0) return false;
    await this.add(tx, entries, now);
    return true;
  }

  /** Adds what was measured; also in a transaction of the workspace whose it is. */
  async add(tx: EntityManager, entries: readonly KpiEntry[], now: number): Promise<void> {
    const rows = rowsFor(entries, now);
    if (rows.length === 0) return;
    // In the order of the key, so that reports do not wait for each other in a circle.
    await tx.query(
      `INSERT INTO kpi_bucket AS k (workspace, kpi, agent, version, width, at, count, bad, sum, buckets)
       SELECT e.workspace, e.kpi, e.agent, e.version, e.width, e.at, e.count, e.bad, e.sum, e.buckets
       FROM jsonb_to_recordset($1::jsonb) AS e(workspace uuid, kpi text, agent text, version integer, width text, at timestamptz,
         count double precision, bad double precision, sum double precision, buckets double precision[])
       ORDER BY e.workspace, e.width, e.agent, e.version, e.kpi, e.at
       ON CONFLICT (workspace, width, agent, version, kpi, at) DO UPDATE
         SET count = k.count + excluded.count, bad = k.bad + excluded.bad, sum = k.sum + excluded.sum,
             buckets = coalesce((SELECT array_agg(coalesce(a, 0) + coalesce(b, 0) ORDER BY i)
               FROM unnest(k.buckets, excluded.buckets) WITH ORDINALITY AS both_of(a, b, i)), '{}')`,
      [JSON.stringify(rows)],
    );
  }

  /** Adds one measurement of a workspace and an agent of it, in a transaction of that workspace. */
  async observe(tx: EntityManager, workspace: string, kpi: KpiName, agent: string, ms: number, now: number): Promise<void> {
    const value = Math.max(0, ms);
    const one = { workspace, kpi, version: 0, at: new Date(now).toISOString(), count: 1, bad: 0, sum: value, buckets: bucketsWith(value) };
    await this.add(
      tx,
      [
        { ...one, agent: '' },
        { ...one, agent },
      ],
      now,
    );
  }

  /** What the figures of a window need: `widthsFrom` says from when on. In a transaction of the workspace. */
  async buckets(tx: EntityManager, agent: string, from: ReadonlyMap<Width, number>): Promise<Bucket[]> {
    return this.read(tx, '', [], agent, from);
  }

  /** What was measured of the installation as a whole. */
  async installationBuckets(tx: EntityManager, from: ReadonlyMap<Width, number>): Promise<Bucket[]> {
    return this.read(tx, 'workspace = $6 AND', [installation], '', from);
  }

  private async read(tx: EntityManager, of: string, values: string[], agent: string, from: ReadonlyMap<Width, number>): Promise<Bucket[]> {
    const moments = widths.map((width) => (from.has(width) ? new Date(from.get(width)!).toISOString() : 'infinity'));
    const rows = await rowsOf<BucketRow>(
      tx,
      `SELECT kpi, width, at, count, bad, sum, buckets FROM kpi_bucket WHERE ${of} agent = $1 AND version = $2
         AND ((width = 'minute' AND at >= $3) OR (width = 'hour' AND at >= $4) OR (width = 'day' AND at >= $5))`,
      [agent, 0, ...moments, ...values],
    );
    return rows.map((row) => ({ ...row, at: row.at.getTime() }));
  }

  /** What the calls of a version did since then, by the hour; in a transaction of the workspace. */
  ofVersion(tx: EntityManager, agent: string, version: number, since: number): Promise<Sums[]> {
    return rowsOf<Sums>(
      tx,
      `SELECT count, bad, sum, buckets FROM kpi_bucket WHERE width = 'hour' AND agent = $1 AND version = $2 AND kpi = 'agent-errors' AND at >= $3`,
      [agent, version, new Date(since)],
    );
  }

  /** Workspaces of which something was measured lately, or a budget burns, that come after this one; the first if absent. */
  async workspaces(tx: EntityManager, now: number, max: number, after?: string): Promise<string[]> {
    const rows = await rowsOf<{ workspace: string }>(
      tx,
      `SELECT workspace FROM (
         SELECT workspace FROM kpi_bucket WHERE width = 'hour' AND at >= $1 AND workspace <> $2 UNION SELECT workspace FROM kpi_burn) AS seen
       WHERE $4::uuid IS NULL OR workspace > $4 ORDER BY workspace LIMIT $3`,
      [new Date(beginOf(4 * widthMs.hour, 'hour', now)), installation, max, after ?? null],
    );
    return rows.map(({ workspace }) => workspace);
  }

  /** Deletes what is older than is kept. */
  async forgetOld(tx: EntityManager, now: number): Promise<void> {
    for (const width of widths) {
      await tx.query(`DELETE FROM kpi_bucket WHERE ctid = ANY(ARRAY(SELECT ctid FROM kpi_bucket WHERE width = $1 AND at < $2 LIMIT $3))`, [
        width,
        new Date(now - keptMs[width]),
        page,
      ]);
    }
    await tx.query(`DELETE FROM kpi_report WHERE ctid = ANY(ARRAY(SELECT ctid FROM kpi_report WHERE at < $1 LIMIT $2))`, [
      new Date(now - reportsMs),
      page,
    ]);
  }

  /** Notes that a budget burns, in a transaction of the workspace; null: it is known to, as urgently. */
  async burning(tx: EntityManager, workspace: string, kpi: KpiName, agent: string, urgency: 'page' | 'ticket'): Promise<BurnRow | null> {
    const rows = await rowsOf<BurnRow>(
      tx,
      `INSERT INTO kpi_burn AS b (workspace, kpi, agent, id, urgency) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (workspace, kpi, agent) DO UPDATE SET urgency = excluded.urgency, event_version = b.event_version + 1
         WHERE b.urgency <> excluded.urgency
       RETURNING id, urgency, event_version`,
      [workspace, kpi, agent, newUuid(), urgency],
    );
    return rows[0] ?? null;
  }

  /** Notes that it does no more, likewise; null: it did not. */
  async settled(tx: EntityManager, kpi: KpiName, agent: string): Promise<BurnRow | null> {
    const rows = await changedRows<BurnRow>(
      tx,
      `DELETE FROM kpi_burn WHERE kpi = $1 AND agent = $2 RETURNING id, urgency, event_version + 1 AS event_version`,
      [kpi, agent],
    );
    return rows[0] ?? null;
  }
}

/** Rows of each width, those of the same key added up. */
function rowsFor(entries: readonly KpiEntry[], now: number): object[] {
  const rows = new Map<string, KpiEntry & { width: Width }>();
  for (const entry of entries) {
    const moment = Date.parse(entry.at);
    // Of versions only what gates ask for is kept: the last days, by the hour.
    for (const width of entry.version === 0 ? widths : (['hour'] as const)) {
      if (moment < now - keptMs[width] || moment > now + aheadMs) continue;
      const at = new Date(Math.floor(moment / widthMs[width]) * widthMs[width]).toISOString();
      const key = JSON.stringify([entry.workspace, entry.kpi, entry.agent, entry.version, width, at]);
      const row = rows.get(key);
      if (row === undefined) rows.set(key, { ...entry, width, at, buckets: [...entry.buckets] });
      else {
        row.count += entry.count;
        row.bad += entry.bad;
        row.sum += entry.sum;
        addBuckets(row.buckets, entry.buckets);
      }
    }
  }
  return [...rows.values()];
}

function bucketsWith(value: number): number[] {
  const buckets = Array.from({ length: bucketOf(value) + 1 }, () => 0);
  buckets[buckets.length - 1] = 1;
  return buckets;
}
