import { Injectable } from '@nestjs/common';
import type { ListEvidenceRequest } from '@signalbox/shared/contracts/registry/list-evidence.js';
import { decodeCursor, pageLimitDefault } from '@signalbox/shared/bus/page.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { fromUuid, newUuid, toUuid } from '@signalbox/shared/ids/ids.js';
import type { EntityManager } from 'typeorm';
import { rowsOf, searchPatterns } from '../database/sql.ts';
import { evidenceDaysDefault } from '../gates/gate.ts';
import type { Measured } from '../stages/facts.ts';
import type { EvidenceRow } from './evidence-row.ts';
import type { ReadEvidence } from './read-evidence.ts';

/** Of one version; each check reads all of it. */
export const evidenceMax = 500;

/** Evidence, which is only ever added. Every method works in a transaction of one workspace, whose rows alone it sees. */
@Injectable()
export class EvidenceStore {
  async insert(
    tx: EntityManager,
    caller: Pick<Caller, 'workspace' | 'principal' | 'name'>,
    of: { agent: string; version: number; format: string },
    read: ReadEvidence,
  ): Promise<EvidenceRow> {
    const search = [read.source, ...Object.keys(read.metrics), ...read.findings].join('\n').toLowerCase();
    const rows = await rowsOf<EvidenceRow>(
      tx,
      `INSERT INTO evidence (workspace, agent, version, id, format, source, hash, bytes, metrics, findings, search, by_principal, by_name)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING *`,
      [
        ...[caller.workspace, of.agent, of.version, newUuid(), of.format, read.source, read.hash, read.bytes],
        ...[JSON.stringify(read.metrics), JSON.stringify(read.findings), search, caller.principal, caller.name],
      ],
    );
    return rows[0]!;
  }

  /** Pieces of a version. `agent` is a UUID. */
  async count(tx: EntityManager, agent: string, version: number): Promise<number> {
    const rows = await rowsOf<{ count: number }>(tx, `SELECT count(*)::int AS count FROM evidence WHERE agent = $1 AND version = $2`, [
      agent,
      version,
    ]);
    return rows[0]!.count;
  }

  /** `limited` where the version has as much as it can. */
  async requireRoom(tx: EntityManager, name: string, { id, version }: { id: string; version: number }): Promise<void> {
    if ((await this.count(tx, id, version)) < evidenceMax) return;
    throw new Fault(
      'limited',
      `version ${version} of ${name} has ${evidenceMax} pieces of evidence, which is as many as it can`,
      'Apply the next version, or send fewer reports.',
    );
  }

  /** One more than asked for, the newest first. */
  list(tx: EntityManager, agent: string, request: Omit<ListEvidenceRequest, 'agent'>): Promise<EvidenceRow[]> {
    const { version, format, metric, source, expired, q, limit = pageLimitDefault, cursor } = request;
    const before = cursor === undefined ? null : toUuid(decodeCursor(cursor, 1)[0]!, 'evidence');
    return rowsOf<EvidenceRow>(
      tx,
      `SELECT * FROM evidence WHERE agent = $1 AND ($2::uuid IS NULL OR id < $2) AND ($3::int IS NULL OR version = $3)
         AND ($4::text IS NULL OR format = $4) AND ($5::text IS NULL OR metrics ? $5) AND ($6::text IS NULL OR source = $6)
         AND ($7::boolean IS NULL OR (created_at <= now() - make_interval(days => $8)) = $7) AND search LIKE ALL ($9::text[])
       ORDER BY id DESC LIMIT $10`,
      [
        ...[agent, before, version ?? null, format ?? null, metric ?? null, source ?? null],
        ...[expired ?? null, evidenceDaysDefault, searchPatterns(q), limit + 1],
      ],
    );
  }

  /** The newest of each metric and source of a version. */
  async newest(tx: EntityManager, agent: string, version: number): Promise<Measured[]> {
    const rows = await rowsOf<{ metric: string; value: number; source: string; id: string; created_at: Date }>(
      tx,
      `SELECT DISTINCT ON (m.key, e.source) m.key AS metric, m.value::float8 AS value, e.source, e.id, e.created_at
       FROM evidence AS e, jsonb_each(e.metrics) AS m WHERE e.agent = $1 AND e.version = $2 ORDER BY m.key, e.source, e.id DESC`,
      [agent, version],
    );
    return rows.map(({ metric, value, source, id, created_at: at }) => ({ metric, value, source, evidence: fromUuid('evidence', id), at }));
  }
}
