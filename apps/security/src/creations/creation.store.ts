import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import canonicalize from 'canonicalize';
import type { EntityManager } from 'typeorm';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';

/** A create as its caller asked for it. */
export interface Creation {
  operation: string;
  /** The caller's `Idempotency-Key`; absent: nothing is remembered. */
  key: string | undefined;
  request: object;
}

interface CreationRow {
  operation: string;
  request_hash: Buffer;
  made: string;
}

const claimSql = `INSERT INTO creation (workspace, principal, key, operation, request_hash) VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT DO NOTHING RETURNING key`;
const findSql = `SELECT operation, request_hash, made FROM creation WHERE workspace = $1 AND principal = $2 AND key = $3`;
const madeSql = `UPDATE creation SET made = $4 WHERE workspace = $1 AND principal = $2 AND key = $3`;

/** Remembers, in the change's own transaction, what was made under an `Idempotency-Key`: a repeated create makes nothing twice. */
@Injectable()
export class CreationStore {
  /**
   * Makes it, or gives the id of what an earlier request with the same key made: then `make` is not called. `conflict` when that one asked for
   * something else. Two at once: the second waits for the first.
   */
  async once<T>(
    tx: EntityManager,
    { workspace, principal }: Caller,
    { operation, key, request }: Creation,
    make: () => Promise<{ id: string; made: T }>,
  ): Promise<{ made: T } | { earlier: string }> {
    if (key === undefined) return make();
    const hash = createHash('sha256').update(canonicalize(request)!).digest();
    const claimed: unknown[] = await tx.query(claimSql, [workspace, principal, key, operation, hash]);
    if (claimed.length > 0) {
      const { id, made } = await make();
      await tx.query(madeSql, [workspace, principal, key, id]);
      return { made };
    }
    const [earlier]: CreationRow[] = await tx.query(findSql, [workspace, principal, key]);
    if (!earlier || earlier.operation !== operation || !earlier.request_hash.equals(hash)) {
      throw new Fault('conflict', 'this Idempotency-Key was used for another request', 'Use a new one for each new request.');
    }
    return { earlier: earlier.made };
  }
}
