import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, importJWK, SignJWT, type CryptoKey, type JWK, type JWTPayload } from 'jose';
import { identityIssuer } from '@signalbox/shared/identity/verifier.js';
import type { ServiceName } from '@signalbox/shared/bus/contract.js';
import type { MasterKey } from '../sealing/master-key.ts';
import type { NewSigningKey, SigningKeyRow, SigningKeyStore } from './signing-key.store.ts';
import { periodOf, publishedPeriods } from './signing-period.ts';

interface OpenKey {
  kid: string;
  privateKey: CryptoKey;
  publicJwk: Record<string, unknown>;
}

/** The keys that identities are signed with: one a day, made ahead, in memory while they matter. */
export class KeyRing {
  private readonly open = new Map<number, OpenKey>();

  constructor(
    private readonly store: SigningKeyStore,
    private readonly masterKey: MasterKey,
    private readonly clock: () => number,
  ) {}

  /** Makes what is missing, reads what others made, forgets what is over. Called at start and every minute. */
  async turn(): Promise<void> {
    const periods = publishedPeriods(this.clock());
    const missing = periods.filter((period) => !this.open.has(period));
    if (missing.length > 0) {
      let rows = await this.store.read(missing);
      const current = periodOf(this.clock());
      const toMake = missing.filter((period) => period >= current && !rows.some((row) => row.period === period)); // what is past signs nothing more
      if (toMake.length > 0) {
        for (const period of toMake) await this.store.add(await this.make(period));
        rows = await this.store.read(missing);
      }
      for (const row of rows) this.open.set(row.period, await this.unseal(row));
    }
    const oldest = periods.at(-1)!;
    for (const period of this.open.keys()) if (period < oldest) this.open.delete(period);
    await this.store.dropBefore(oldest - 1);
  }

  /** Public keys as JWK, the newest first. */
  publicKeys(): Record<string, unknown>[] {
    return publishedPeriods(this.clock()).flatMap((period) => {
      const key = this.open.get(period);
      return key ? [key.publicJwk] : [];
    });
  }

  /** A signed identity. Times are NumericDates (RFC 7519): `iat` with fractions, so that a revocation can be told from what came just after. */
  async sign(claims: JWTPayload & { sub: string; iat: number; exp: number }, audience: ServiceName): Promise<string> {
    const period = periodOf(this.clock());
    if (!this.open.has(period)) await this.turn();
    const key = this.open.get(period);
    if (!key) throw new Error('there is no key to sign with');
    return new SignJWT(claims)
      .setProtectedHeader({ alg: 'EdDSA', kid: key.kid, typ: 'JWT' })
      .setIssuer(identityIssuer)
      .setAudience(audience)
      .sign(key.privateKey);
  }

  private async make(period: number): Promise<NewSigningKey> {
    const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
    const kid = randomUUID();
    const publicJwk = { ...(await exportJWK(publicKey)), kid, alg: 'EdDSA', use: 'sig' };
    const sealed = this.masterKey.seal(sealName(kid), Buffer.from(JSON.stringify(await exportJWK(privateKey))));
    return { period, kid, publicJwk, sealed, masterKey: this.masterKey.id };
  }

  private async unseal({ kid, sealed, publicJwk }: SigningKeyRow): Promise<OpenKey> {
    const jwk = JSON.parse(this.masterKey.open(sealName(kid), sealed).toString()) as JWK;
    return { kid, publicJwk, privateKey: (await importJWK(jwk, 'EdDSA')) as CryptoKey };
  }
}

function sealName(kid: string): string {
  return `signing-key ${kid}`;
}
