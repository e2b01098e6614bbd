import { createLocalJWKSet, errors, jwtVerify, type JSONWebKeySet, type JWTPayload } from 'jose';
import type { ServiceName } from '../bus/contract.ts';
import { Fault } from '../errors/fault.ts';
import { now } from '../telemetry/clock.ts';
import { roles, type Role } from './roles.ts';

export const identityIssuer = 'signalbox';

/** What a signed identity says: JWT claims, signed with EdDSA by `security`. */
export interface IdentityClaims {
  workspace: string;
  principal: string;
  name: string;
  roles: Role[];
  scopes: string[];
  /** Epoch milliseconds. */
  expiresAt: number;
}

/** Fetches the public keys that identities are signed with now. */
export type KeySource = () => Promise<JSONWebKeySet>;

/** Verified identities kept until they expire, so that one signature is checked once; more than this many at once are forgotten first in, first out. */
const cacheMax = 10_000;
/** An unknown key id makes us ask for the keys again, but not more often than this. */
const refreshMinMs = 1_000;

/** Verifies identities locally. `unauthenticated` for everything that is not a live identity for this service. */
export class IdentityVerifier {
  private readonly cache = new Map<string, IdentityClaims>();
  private keySet: ReturnType<typeof createLocalJWKSet> | null = null;
  private refreshedAt = -Infinity;
  private refreshing: Promise<void> | null = null;

  constructor(
    private readonly audience: ServiceName,
    private readonly source: KeySource,
  ) {}

  async verify(token: string): Promise<IdentityClaims> {
    const known = this.cache.get(token);
    if (known) {
      if (known.expiresAt > now()) return known;
      this.cache.delete(token);
      throw refusal('has expired');
    }
    const claims = claimsOf(await this.check(token));
    if (this.cache.size >= cacheMax)
      for (const oldest of this.cache.keys()) {
        this.cache.delete(oldest);
        break;
      }
    this.cache.set(token, claims);
    return claims;
  }

  private async check(token: string): Promise<JWTPayload> {
    if (!this.keySet) await this.refresh();
    try {
      return await this.verifyWithKeys(token);
    } catch (cause) {
      if (!(cause instanceof errors.JWKSNoMatchingKey)) throw refusal('is not valid', cause);
    }
    await this.refresh();
    try {
      return await this.verifyWithKeys(token);
    } catch (cause) {
      throw refusal('is not valid', cause);
    }
  }

  private async verifyWithKeys(token: string): Promise<JWTPayload> {
    if (!this.keySet)
      throw new Fault('unavailable', 'the keys that identities are signed with are not known yet', 'Try again in a moment.', {
        service: 'security',
      });
    const { payload } = await jwtVerify(token, this.keySet, {
      algorithms: ['EdDSA'],
      issuer: identityIssuer,
      audience: this.audience,
      currentDate: new Date(now()),
      requiredClaims: ['sub', 'exp', 'workspace', 'roles'],
    });
    return payload;
  }

  /** Keys that we know stay in use while `security` does not answer. */
  private refresh(): Promise<void> {
    if (this.keySet && performance.now() - this.refreshedAt < refreshMinMs) return Promise.resolve();
    this.refreshing ??= this.source()
      .then((keys) => {
        this.keySet = createLocalJWKSet(keys);
        this.refreshedAt = performance.now();
      })
      .catch((cause: unknown) => {
        if (!this.keySet) throw cause;
      })
      .finally(() => {
        this.refreshing = null;
      });
    return this.refreshing;
  }
}

function claimsOf(payload: JWTPayload): IdentityClaims {
  const { sub, workspace, name, roles: held, scopes, exp } = payload;
  if (typeof sub !== 'string' || typeof workspace !== 'string' || !Array.isArray(held) || typeof exp !== 'number')
    throw refusal('is not complete');
  return {
    workspace,
    principal: sub,
    name: typeof name === 'string' ? name : sub,
    roles: held.filter((role): role is Role => (roles as readonly unknown[]).includes(role)),
    scopes: Array.isArray(scopes) ? scopes.filter((scope): scope is string => typeof scope === 'string') : [],
    expiresAt: exp * 1000,
  };
}

function refusal(why: string, cause?: unknown): Fault {
  if (cause instanceof Fault) return cause;
  return new Fault('unauthenticated', `the identity ${why}`, 'Sign in again, or use a key that is valid.', { cause });
}
