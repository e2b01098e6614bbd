import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { AuditEntry } from '@signalbox/shared/contracts/security/audit-entry.js';
import { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { chained, chainStart, type AuditFacts, type AuditLink } from './chain.ts';

interface AuditRow {
  seq: string;
  id: string;
  at: Date;
  service: string;
  principal: string;
  name: string;
  action: string;
  target: string;
  outcome: 'allowed' | 'denied';
  detail: Record<string, unknown> | null;
  hash: Buffer;
}

export interface AuditFilter {
  principal?: string | undefined;
  action?: string | undefined;
  outcome?: string | undefined;
  since?: string | undefined;
  until?: string | undefined;
  q?: string | undefined;
  /** Sequence that comes after the first one shown. */
  before: string | null;
  limit: number;
}

const columns = 'seq, id, at, service, principal, name, action, target, outcome, detail, hash';
const listSql = `SELECT ${columns} FROM audit_entry
  WHERE workspace = $1 AND ($2::text IS NULL OR principal = $2)
  AND ($3::text IS NULL OR action = $3 OR (right($3, 2) = '.*' AND starts_with(action, left($3, -1))))
  AND ($4::text IS NULL OR outcome = $4) AND ($5::timestamptz IS NULL OR at >= $5) AND ($6::timestamptz IS NULL OR at <= $6)
  AND ($7 = '' OR position(lower($7) IN lower(target || ' ' || name)) > 0) AND ($8::bigint IS NULL OR seq < $8)
  ORDER BY seq DESC LIMIT $9`;
const afterSql = `SELECT ${columns} FROM audit_entry WHERE workspace = $1 AND seq > $2 ORDER BY seq LIMIT $3`;
const insertSql = `INSERT INTO audit_entry (workspace, ${columns})
  SELECT $1, u.seq, u.id, to_timestamp(u.at / 1000.0), u.service, u.principal, u.name, u.action, u.target, u.outcome, u.detail::jsonb, decode(u.hash, 'hex')
  FROM unnest($2::bigint[], $3::text[], $4::float8[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[])
  AS u (seq, id, at, service, principal, name, action, target, outcome, detail, hash)`;

/** Rows of the audit: appended by background work alone, read in transactions of their workspace. */
@Injectable()
export class AuditStore {
  constructor(private readonly system: SystemDatabase) {}

  /** Chains what is not there yet to the workspace's audit; others who append to it wait. */
  async append(workspace: string, facts: readonly AuditFacts[]): Promise<void> {
    await this.system.run(async (tx) => {
      await tx.query(`INSERT INTO audit_head (workspace, seq, hash) VALUES ($1, 0, $2) ON CONFLICT DO NOTHING`, [workspace, chainStart]);
      const heads: { seq: string; hash: Buffer }[] = await tx.query(`SELECT seq, hash FROM audit_head WHERE workspace = $1 FOR UPDATE`, [
        workspace,
      ]);
      const known: { id: string }[] = await tx.query(`SELECT id FROM audit_entry WHERE workspace = $1 AND id = ANY($2::text[])`, [
        workspace,
        facts.map(({ id }) => id),
      ]);
      const seen = new Set(known.map(({ id }) => id));
      const fresh = facts.filter(({ id }) => !seen.has(id) && seen.add(id));
      const links = chained(workspace, { seq: Number(heads[0]!.seq), hash: heads[0]!.hash }, fresh);
      const last = links.at(-1);
      if (!last) return;
      await insert(tx, workspace, links);
      await tx.query(`UPDATE audit_head SET seq = $2, hash = $3 WHERE workspace = $1`, [workspace, last.seq, last.hash]);
    });
  }

  /** The newest first. */
  async list(tx: EntityManager, workspace: string, filter: AuditFilter): Promise<AuditLink[]> {
    const { principal = null, action = null, outcome = null, since = null, until = null, q = '', before, limit } = filter;
    const rows: AuditRow[] = await tx.query(listSql, [workspace, principal, action, outcome, since, until, q, before, limit]);
    return rows.map(linkOf);
  }

  /** What follows a place in the chain, in its order. */
  async after(tx: EntityManager, workspace: string, seq: number, limit: number): Promise<AuditLink[]> {
    const rows: AuditRow[] = await tx.query(afterSql, [workspace, seq, limit]);
    return rows.map(linkOf);
  }

  /** Where chains end, by workspace, after one of them. */
  async headsAfter(tx: EntityManager, workspace: string, limit: number): Promise<{ workspace: string; seq: number; hash: string }[]> {
    const rows: { workspace: string; seq: string; hash: Buffer }[] = await tx.query(
      `SELECT workspace, seq, hash FROM audit_head WHERE ($1 = '' OR workspace > $1::uuid) ORDER BY workspace LIMIT $2`,
      [workspace, limit],
    );
    return rows.map(({ seq, hash, ...rest }) => ({ ...rest, seq: Number(seq), hash: hash.toString('hex') }));
  }

  /** Where the chain ends, as it was noted beside it. */
  async head(tx: EntityManager, workspace: string): Promise<{ seq: number; hash: Buffer }> {
    const rows: { seq: string; hash: Buffer }[] = await tx.query(`SELECT seq, hash FROM audit_head WHERE workspace = $1`, [workspace]);
    return rows[0] ? { seq: Number(rows[0].seq), hash: rows[0].hash } : { seq: 0, hash: chainStart };
  }
}

async function insert(tx: EntityManager, workspace: string, links: readonly AuditLink[]): Promise<void> {
  await tx.query(insertSql, [
    workspace,
    links.map(({ seq }) => seq),
    links.map(({ id }) => id),
    links.map(({ at }) => at),
    links.map(({ service }) => service),
    links.map(({ principal }) => principal),
    links.map(({ name }) => name),
    links.map(({ action }) => action),
    links.map(({ target }) => target),
    links.map(({ outcome }) => outcome),
    links.map(({ detail }) => (detail ? JSON.stringify(detail) : null)),
    links.map(({ hash }) => hash.toString('hex')),
  ]);
}

function linkOf({ seq, at, detail, ...row }: AuditRow): AuditLink {
  return { ...row, seq: Number(seq), at: at.getTime(), ...(detail && { detail }) };
}

/** The entry at the edge. */
export function shownEntry({ id, seq, at, service, principal, name, action, target, outcome, detail, hash }: AuditLink): AuditEntry {
  const entry = { id, seq, at: new Date(at).toISOString(), service, principal, name, action, target, outcome, hash: hash.toString('hex') };
  return detail ? { ...entry, detail } : entry;
}
