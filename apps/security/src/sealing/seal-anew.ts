import type { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import type { MasterKey } from './master-key.ts';

/** Rows of one transaction. */
const batch = 500;

/** What the master key seals: where it is, and the name under which. */
const readSql = {
  sealed_value: `SELECT name, sealed FROM sealed_value WHERE master_key IS DISTINCT FROM $1 LIMIT ${batch} FOR UPDATE`,
  signing_key: `SELECT 'signing-key ' || kid AS name, sealed FROM signing_key WHERE master_key IS DISTINCT FROM $1 LIMIT ${batch} FOR UPDATE`,
  data_key: `SELECT 'data-key ' || workspace || ' ' || version AS name, sealed FROM data_key WHERE master_key IS DISTINCT FROM $1 LIMIT ${batch} FOR UPDATE`,
};
const set = `SET sealed = u.sealed, master_key = $1 FROM unnest($2::text[], $3::bytea[]) AS u (name, sealed)`;
const writeSql = {
  sealed_value: `UPDATE sealed_value AS t ${set} WHERE t.name = u.name`,
  signing_key: `UPDATE signing_key AS t ${set} WHERE 'signing-key ' || t.kid = u.name`,
  data_key: `UPDATE data_key AS t ${set} WHERE 'data-key ' || t.workspace || ' ' || t.version = u.name`,
};

/** Seals with the first master key what an older one sealed; how many things that were. Older keys can be taken out of the file after it. */
export async function sealAnew(system: SystemDatabase, masterKey: MasterKey): Promise<number> {
  let total = 0;
  for (const table of ['sealed_value', 'signing_key', 'data_key'] as const) {
    for (let done = batch; done === batch; total += done) {
      done = await system.run(async (tx) => {
        const rows: { name: string; sealed: Buffer }[] = await tx.query(readSql[table], [masterKey.id]);
        const sealed = rows.map((row) => masterKey.seal(row.name, opened(masterKey, row)));
        await tx.query(writeSql[table], [masterKey.id, rows.map(({ name }) => name), sealed]);
        return rows.length;
      });
    }
  }
  return total;
}

function opened(masterKey: MasterKey, { name, sealed }: { name: string; sealed: Buffer }): Buffer {
  try {
    return masterKey.open(name, sealed);
  } catch (cause) {
    throw new Error(`the sealed ${name} was altered: no key of the file opens it; restore the database from a backup`, { cause });
  }
}
