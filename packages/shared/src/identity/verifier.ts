import { createLocalJWKSet, errors, jwtVerify, type JSONWebKeySet, type JWTPayload } from 'jose';
import type { ServiceName } from '../bus/contract.ts';
import { Fault } from '../errors/fault.ts';
import { now } from '../telemetry/clock.ts';
import { log } from '../telemetry/log.ts';
import { roles, type Role } from './roles.ts';

export const identityIssuer = 'signalbox';
/** The longest that an identity lives. */
export const identityLifetimeMs = 60_000;

/** What a signed identity says: JWT claims, signed with EdDSA by `security`. */
export interface IdentityClaims {
  workspace: string;
  principal: string;
  name: string;
  roles: Role[];
  scopes: string[];
  /** Epoch milliseconds. */
  issuedAt: number;
  /** Epoch milliseconds. */
  expiresAt: number;
  /** `key_…`, `sess_…` or `grant_…`: what it was traded for first, as revocations name it. Empty: not said. */
  credentialId: string;
  /** The services that it came through, the last first, as `service:registry` (RFC 8693, `act`). */
  actors: string[];
}

/** Fetches the public keys that identities are signed with now. */
export type KeySource = () => Promise<JSONWebKeySet>;

/** Verified identities kept until they expire, so that one signature is checked once; more than this many at once, about 1 KiB each, are forgotten first in, first out. */
const cacheMax = 20_000;
/** An unknown key id makes us ask for the keys again, but not more often than this. */
const refreshMinMs = 1_000;
/** Keys are asked for again after this long in any case, so that a withdrawn one is not trusted for ever. */
const refreshEveryMs = 300_000;
/** Identities are longer than any of ours beyond this many characters. */
const tokenMaxLength = 8_192;
/** Compact serialization (RFC 7515), which decoders read more leniently than it is written. */
const tokenPattern = /^[\w-]+\.[\w-]+\.[\w-]+$/;
/** Services that a call may come through before it goes in circles. */
export const actorsMax = 8;
/** Revocations kept at once: a flood of them must not fill the memory. */
const revokedMax = 10_000;

/** Verifies identities locally. `unauthenticated` for everything that is not a live identity for this service. */
export class IdentityVerifier {
  private readonly cache = new Map<string, IdentityClaims>();
  /** Id of what was revoked, and when: identities from before are void. */
  private readonly revoked = new Map<string, number>();
  private keySet: ReturnType<typeof createLocalJWKSet> | null = null;
  private askedAt = -Infinity;
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
    if (this.isRevoked(claims)) throw refusal('was revoked');
    if (this.cache.size >= cacheMax)
      for (const oldest of this.cache.keys()) {
        this.cache.delete(oldest);
        break;
      }
    this.cache.set(token, claims);
    return claims;
  }

  /**
   * Refuses identities of a credential, which does not come back, and those of a principal that were issued before `at` (epoch milliseconds):
   * its rights have changed since.
   */
  revoke(id: string, at: number): void {
    for (const [old, revokedAt] of this.revoked) {
      if (this.revoked.size < revokedMax && revokedAt > now() - 2 * identityLifetimeMs) break;
      this.revoked.delete(old);
    }
    this.revoked.delete(id);
    this.revoked.set(id, at);
    for (const [token, claims] of this.cache) if (this.isRevoked(claims)) this.cache.delete(token);
  }

  private isRevoked({ credentialId, principal, issuedAt }: IdentityClaims): boolean {
    return this.revoked.has(credentialId) || issuedAt <= (this.revoked.get(principal) ?? -1);
  }

  private async check(token: string): Promise<JWTPayload> {
    if (token.length > tokenMaxLength || !tokenPattern.test(token)) throw refusal('is not valid');
    if (!this.keySet) await this.refresh();
    else if (performance.now() - this.askedAt > refreshEveryMs) void this.refresh();
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

  /** Keys that we know stay in use while `security` does not answer, and it is not asked more often for that. */
  private refresh(): Promise<void> {
    if (this.keySet && performance.now() - this.askedAt < refreshMinMs) return this.refreshing ?? Promise.resolve();
    this.askedAt = performance.now();
    this.refreshing ??= this.source()
      .then((keys) => {
        this.keySet = createLocalJWKSet(keys);
      })
      .catch((cause: unknown) => {
        if (!this.keySet) throw cause;
        log.warn('the keys that identities are signed with were not read anew', { err: cause });
      })
      .finally(() => {
        this.refreshing = null;
      });
    return this.refreshing;
  }
}

function claimsOf(payload: JWTPayload): IdentityClaims {
  const { sub, workspace, name, roles: held, scopes, iat, exp, cid, act } = payload;
  if (typeof sub !== 'string' || typeof workspace !== 'string' || !Array.isArray(held) || typeof exp !== 'number')
    throw refusal('is not complete');
  if (scopes !== undefined && !Array.isArray(scopes)) throw refusal('is not complete'); // read as none it would widen
  return {
    workspace,
    principal: sub,
    name: typeof name === 'string' ? name : sub,
    roles: held.filter((role): role is Role => (roles as readonly unknown[]).includes(role)),
    scopes: (scopes ?? []).map(String),
    issuedAt: (iat ?? 0) * 1000,
    expiresAt: exp * 1000,
    credentialId: typeof cid === 'string' ? cid : '',
    actors: actorsOf(act),
  };
}

function actorsOf(act: unknown): string[] {
  const actors: string[] = [];
  for (let link = act as { sub?: unknown; act?: unknown } | undefined; link; link = link.act as typeof link) {
    if (typeof link.sub !== 'string' || actors.length >= actorsMax) throw refusal('is not complete');
    actors.push(link.sub);
  }
  return actors;
}

function refusal(why: string, cause?: unknown): Fault {
  if (cause instanceof Fault) return cause;
  return new Fault('unauthenticated', `the identity ${why}`, 'Sign in again, or use a key that is valid.', { cause });
}
