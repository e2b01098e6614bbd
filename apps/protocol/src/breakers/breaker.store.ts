import { Injectable } from '@nestjs/common';
import { breakerChanged, type Breaker } from '@signalbox/shared/contracts/protocol/breaker.js';
import type { BreakerState } from '@signalbox/shared/contracts/registry/agent.js';
import { SystemDatabase, WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Outbox } from '@signalbox/shared/outbox/outbox.js';
import type { StoredBreaker } from './breaker.ts';

interface Row {
  workspace: string;
  target: string;
  state: BreakerState;
  version: string;
  openings: number;
  since: Date;
  retry_at: Date | null;
  reason: string | null;
}

export interface BreakerFilter {
  state?: BreakerState | undefined;
  words: string[];
  after: string;
  limit: number;
}

/** What breakers did: for people, for the board, and for the process after this one. */
@Injectable()
export class BreakerStore {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly system: SystemDatabase,
    private readonly outbox: Outbox,
  ) {}

  /** Writes a change and tells it. */
  async save(workspace: string, { target, state, openings, since, retryAt, reason }: Omit<StoredBreaker, 'version'>): Promise<void> {
    await this.db.inWorkspace(workspace, async (tx) => {
      const rows = await tx.query<Row[]>(
        `INSERT INTO breaker AS b (workspace, target, state, version, openings, since, retry_at, reason) VALUES ($1, $2, $3, 1, $4, $5, $6, $7)
         ON CONFLICT (workspace, target) DO UPDATE SET state = excluded.state, version = b.version + 1, openings = excluded.openings,
           since = excluded.since, retry_at = excluded.retry_at, reason = coalesce(excluded.reason, b.reason)
         RETURNING *`,
        [workspace, target, state, openings, since, retryAt, reason],
      );
      const payload = breakerView(storedOf(rows[0]!));
      await this.outbox.append(tx, breakerChanged, { workspace, entity: target, version: payload.version, payload });
    });
  }

  async list(workspace: string, { state, words, after, limit }: BreakerFilter): Promise<StoredBreaker[]> {
    const rows = await this.db.inWorkspace(workspace, (tx) =>
      tx.query<Row[]>(
        `SELECT * FROM breaker WHERE workspace = $1 AND ($2::text IS NULL OR state = $2) AND target > $3
           AND NOT EXISTS (SELECT FROM unnest($4::text[]) AS word WHERE strpos(lower(target), word) = 0)
         ORDER BY target LIMIT $5`,
        [workspace, state ?? null, after, words, limit],
      ),
    );
    return rows.map(storedOf);
  }

  /** Breakers that were not closed when the last process ended, of all workspaces. */
  async open(limit: number): Promise<(StoredBreaker & { workspace: string })[]> {
    const rows = await this.system.run((tx) =>
      tx.query<Row[]>(`SELECT * FROM breaker WHERE state <> 'closed' ORDER BY since DESC LIMIT $1`, [limit]),
    );
    return rows.map((row) => ({ workspace: row.workspace, ...storedOf(row) }));
  }
}

/** A breaker as contracts have it. */
export function breakerView({ target, state, version, since, retryAt, reason }: StoredBreaker): Breaker {
  return {
    target,
    ...(target.startsWith('agent/') && { agent: target.slice('agent/'.length) }),
    state,
    version,
    since: since.toISOString(),
    ...(retryAt && { retryAt: retryAt.toISOString() }),
    ...(reason !== null && { reason }),
  };
}

function storedOf({ target, state, version, openings, since, retry_at, reason }: Row): StoredBreaker {
  return { target, state, version: Number(version), openings, since, retryAt: retry_at, reason };
}
