import type { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import type { MasterKey } from './master-key.ts';

interface SealedRow {
  sealed: Buffer;
  master_key: string;
}

/** Secrets of the installation, sealed with the master key. */
export class SealedValueStore {
  constructor(private readonly system: SystemDatabase) {}

  /** The id of the key that the database's secrets are sealed with; null when there are none yet. */
  async masterKeyId(): Promise<string | null> {
    const rows: { master_key: string }[] = await this.system.source.query(
      `SELECT master_key FROM sealed_value ORDER BY created_at LIMIT 1`,
    );
    return rows[0]?.master_key ?? null;
  }

  /** The value of the name, made by `make` the first time. All replicas get the same. */
  async getOrMake(masterKey: MasterKey, name: string, make: () => Buffer): Promise<Buffer> {
    const { source } = this.system;
    const known: SealedRow[] = await source.query(`SELECT sealed, master_key FROM sealed_value WHERE name = $1`, [name]);
    if (known[0]) return masterKey.open(name, known[0].sealed);
    await source.query(`INSERT INTO sealed_value (name, sealed, master_key) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING`, [
      name,
      masterKey.seal(name, make()),
      masterKey.id,
    ]);
    const [made]: SealedRow[] = await source.query(`SELECT sealed, master_key FROM sealed_value WHERE name = $1`, [name]);
    return masterKey.open(name, made!.sealed);
  }
}
