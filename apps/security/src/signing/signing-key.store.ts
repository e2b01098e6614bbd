import type { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';

export interface SigningKeyRow {
  period: number;
  kid: string;
  publicJwk: Record<string, unknown>;
  sealed: Buffer;
}

/** A new one, and the id of the master key that it is sealed with. */
export interface NewSigningKey extends SigningKeyRow {
  masterKey: string;
}

/** Signing keys, private parts sealed. Only the system role reads them. */
export class SigningKeyStore {
  constructor(private readonly system: SystemDatabase) {}

  async read(periods: readonly number[]): Promise<SigningKeyRow[]> {
    const rows: { period: string; kid: string; public_jwk: Record<string, unknown>; sealed: Buffer }[] = await this.system.source.query(
      `SELECT period, kid, public_jwk, sealed FROM signing_key WHERE period = ANY($1::bigint[]) ORDER BY period DESC`,
      [periods],
    );
    return rows.map(({ period, kid, public_jwk, sealed }) => ({ period: Number(period), kid, publicJwk: public_jwk, sealed }));
  }

  /** Keeps the key unless another replica was first. */
  async add({ period, kid, publicJwk, sealed, masterKey }: NewSigningKey): Promise<void> {
    await this.system.source.query(
      `INSERT INTO signing_key (period, kid, public_jwk, sealed, master_key) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (period) DO NOTHING`,
      [period, kid, JSON.stringify(publicJwk), sealed, masterKey],
    );
  }

  async dropBefore(period: number): Promise<void> {
    await this.system.source.query(`DELETE FROM signing_key WHERE period < $1`, [period]);
  }
}
