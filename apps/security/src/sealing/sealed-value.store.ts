import type { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import type { MasterKey } from './master-key.ts';

interface SealedRow {
  sealed: Buffer;
}

/** Secrets of the installation, sealed with the master key. */
export class SealedValueStore {
  constructor(private readonly system: SystemDatabase) {}

  /** The ids of the master keys that something in the database is sealed with; none before the first start. */
  async masterKeyIds(): Promise<string[]> {
    const rows: { master_key: string }[] = await this.system.source.query(
      `SELECT master_key FROM sealed_value UNION SELECT master_key FROM data_key UNION SELECT master_key FROM signing_key WHERE master_key IS NOT NULL`,
    );
    return rows.map(({ master_key }) => master_key);
  }

  /** The value of the name, made by `make` the first time. All replicas get the same. */
  async getOrMake(masterKey: MasterKey, name: string, make: () => Buffer): Promise<Buffer> {
    const { source } = this.system;
    const known: SealedRow[] = await source.query(`SELECT sealed FROM sealed_value WHERE name = $1`, [name]);
    if (known[0]) return masterKey.open(name, known[0].sealed);
    await source.query(`INSERT INTO sealed_value (name, sealed, master_key) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING`, [
      name,
      masterKey.seal(name, make()),
      masterKey.id,
    ]);
    const [made]: SealedRow[] = await source.query(`SELECT sealed FROM sealed_value WHERE name = $1`, [name]);
    return masterKey.open(name, made!.sealed);
  }
}
