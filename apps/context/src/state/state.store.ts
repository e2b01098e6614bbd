import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { stateChanged } from '@signalbox/shared/contracts/context/events.js';
import { stateHistoryMax } from '@signalbox/shared/contracts/context/state.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { Outbox } from '@signalbox/shared/outbox/outbox.js';
import { encodeValue, scopeKeysMax, type StateEntry } from './state.ts';

/** A row without its value, which may be large. */
export interface StateRowFacts {
  key: string;
  version: number;
  bytes: number;
  isDeleted: boolean;
  updatedAt: Date;
  updatedBy: string;
}

export interface StateRow extends StateEntry {
  updatedAt: Date;
  updatedBy: string;
}

interface Address {
  scope: string;
  key: string;
}

interface Raw {
  key: string;
  version: string;
  value: unknown;
  bytes: number;
  is_deleted: boolean;
  updated_at: Date;
  updated_by: string;
}

/** More writers of one key at once than this are told to come back: each round lets one of them through. */
const attemptsMax = 16;

/** Shared state: the current entry of each key, and a bounded history of it. */
@Injectable()
export class StateStore {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly outbox: Outbox,
    private readonly audit: Audit,
  ) {}

  /** The current entry, or an earlier one that is still kept; null where there is none. */
  async find(workspace: string, { scope, key }: Address, version?: number): Promise<StateRow | null> {
    const rows = await this.db.inWorkspace(workspace, (tx) =>
      version === undefined
        ? tx.query<Raw[]>(`SELECT * FROM state_entry WHERE workspace = $1 AND scope = $2 AND key = $3`, [workspace, scope, key])
        : tx.query<Raw[]>(`SELECT * FROM state_version WHERE workspace = $1 AND scope = $2 AND key = $3 AND version = $4`, [
            workspace,
            scope,
            key,
            version,
          ]),
    );
    return rows[0] ? rowOf(rows[0]) : null;
  }

  async list(workspace: string, scope: string, words: string[], after: string, limit: number): Promise<StateRowFacts[]> {
    const rows = await this.db.inWorkspace(workspace, (tx) =>
      tx.query<Raw[]>(
        `SELECT key, version, octet_length(value::text) AS bytes, is_deleted, updated_at, updated_by FROM state_entry WHERE workspace = $1 AND scope = $2 AND NOT is_deleted AND key > $3
           AND NOT EXISTS (SELECT FROM unnest($4::text[]) AS word WHERE strpos(key, word) = 0)
         ORDER BY key LIMIT $5`,
        [workspace, scope, after, words, limit],
      ),
    );
    return rows.map(factsOf);
  }

  /** The newest first. */
  async versions(workspace: string, { scope, key }: Address): Promise<StateRowFacts[]> {
    const rows = await this.db.inWorkspace(workspace, (tx) =>
      tx.query<Raw[]>(
        `SELECT key, version, octet_length(value::text) AS bytes, is_deleted, updated_at, updated_by FROM state_version WHERE workspace = $1 AND scope = $2 AND key = $3 ORDER BY version DESC LIMIT $4`,
        [workspace, scope, key, stateHistoryMax + 1],
      ),
    );
    return rows.map(factsOf);
  }

  /**
   * Reads the entry, lets `decide` choose the next and writes it if nobody wrote in between; else starts over. Null from `decide`: leave it. What the same caller
   * has written with the same key, as far as that is kept, is not written again.
   */
  async update(
    caller: Caller,
    address: Address,
    decide: (current: StateEntry | null) => StateEntry | null,
    idempotencyKey?: string,
  ): Promise<StateEntry | null> {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const written = await this.db.inWorkspace(caller.workspace, (tx) => this.updateOnce(tx, caller, address, decide, idempotencyKey));
      if (written !== 'lost') return written;
    }
    throw new Fault('unavailable', `the key ${address.key} is being written by many at once`, 'Try again in a moment.', {
      retryAfterMs: 100,
    });
  }

  /** Takes away all keys of these scopes, with what is kept of them. No version is told of: whoever had them is gone. */
  async forget(workspace: string, scopes: readonly string[]): Promise<void> {
    await this.db.inWorkspace(workspace, async (tx) => {
      await tx.query(`DELETE FROM state_version WHERE workspace = $1 AND scope = ANY($2::text[])`, [workspace, scopes]);
      await tx.query(`DELETE FROM state_entry WHERE workspace = $1 AND scope = ANY($2::text[])`, [workspace, scopes]);
    });
  }

  private async updateOnce(
    tx: EntityManager,
    caller: Caller,
    { scope, key }: Address,
    decide: (current: StateEntry | null) => StateEntry | null,
    idempotencyKey?: string,
  ): Promise<StateEntry | null | 'lost'> {
    const { workspace, principal } = caller;
    const writeKey = idempotencyKey === undefined ? null : `${principal} ${idempotencyKey}`;
    const found = await tx.query<Raw[]>(`SELECT * FROM state_entry WHERE workspace = $1 AND scope = $2 AND key = $3`, [
      workspace,
      scope,
      key,
    ]);
    // After the entry: a version that was read may be what this very write has made meanwhile, sent twice at once.
    if (writeKey !== null) {
      const [known] = await tx.query<Raw[]>(
        `SELECT * FROM state_version WHERE workspace = $1 AND scope = $2 AND key = $3 AND idempotency_key = $4`,
        [workspace, scope, key, writeKey],
      );
      if (known) return rowOf(known);
    }
    const current = found[0] ? rowOf(found[0]) : null;
    const next = decide(current);
    if (!next) return null;
    if (!current) await this.checkRoom(tx, workspace, scope);
    const values = [workspace, scope, key, next.version, encodeValue(next.value), next.isDeleted, principal];
    const written = await tx.query<unknown[]>(
      `INSERT INTO state_entry AS e (workspace, scope, key, version, value, is_deleted, updated_by) VALUES ($1, $2, $3, $4, $5, $6, $7)
       ON CONFLICT (workspace, scope, key) DO UPDATE SET version = excluded.version, value = excluded.value,
         is_deleted = excluded.is_deleted, updated_by = excluded.updated_by, updated_at = now()
       WHERE e.version = $8 RETURNING version`,
      [...values, current?.version ?? 0],
    );
    if (written.length === 0) return 'lost';
    await tx.query(
      `INSERT INTO state_version (workspace, scope, key, version, value, is_deleted, updated_by, idempotency_key) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [...values, writeKey],
    );
    await tx.query(`DELETE FROM state_version WHERE workspace = $1 AND scope = $2 AND key = $3 AND version < $4`, [
      workspace,
      scope,
      key,
      next.version - stateHistoryMax,
    ]);
    await this.tell(tx, caller, { scope, key }, next);
    return next;
  }

  private async checkRoom(tx: EntityManager, workspace: string, scope: string): Promise<void> {
    const [count] = await tx.query<{ keys: string }[]>(`SELECT count(*) AS keys FROM state_entry WHERE workspace = $1 AND scope = $2`, [
      workspace,
      scope,
    ]);
    if (Number(count!.keys) >= scopeKeysMax) {
      throw new Fault('limited', `the scope ${scope} has ${scopeKeysMax} keys`, 'Delete some, or use another scope.');
    }
  }

  private async tell(tx: EntityManager, caller: Caller, { scope, key }: Address, { version, isDeleted }: StateEntry): Promise<void> {
    const entity = `${scope}/${key}`;
    await this.outbox.append(tx, stateChanged, {
      workspace: caller.workspace,
      entity,
      version,
      payload: { scope, key, change: isDeleted ? 'deleted' : 'written', version },
    });
    await this.audit.append(tx, caller, {
      action: isDeleted ? 'state.delete' : 'state.write',
      target: `state ${entity}`,
      detail: { version },
    });
  }
}

function rowOf(raw: Raw): StateRow {
  return {
    version: Number(raw.version),
    value: raw.value,
    isDeleted: raw.is_deleted,
    updatedAt: raw.updated_at,
    updatedBy: raw.updated_by,
  };
}

function factsOf({ key, version, bytes, is_deleted, updated_at, updated_by }: Raw): StateRowFacts {
  return { key, version: Number(version), bytes, isDeleted: is_deleted, updatedAt: updated_at, updatedBy: updated_by };
}
