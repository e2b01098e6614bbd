import type { PrincipalKind } from '@signalbox/shared/contracts/security/principal.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { actorsMax, identityLifetimeMs } from '@signalbox/shared/identity/verifier.js';
import { areRightsWithin, type Role } from '@signalbox/shared/identity/roles.js';

/** A credential that was found, and what it is worth now. */
export interface Credential {
  workspace: string;
  /** `key_…`, `sess_…`, `grant_…`. */
  id: string;
  kind: PrincipalKind;
  principal: string;
  name: string;
  roles: Role[];
  scopes: string[];
  /** The service that holds it; empty: whoever shows it. */
  service: string;
  /** Epoch milliseconds; null: it does not expire. */
  expiresAt: number | null;
  /** Why it is worth nothing (any more); null: it is good. */
  refusal: string | null;
}

/** One answer for all that is worth nothing: nobody learns whether it was unknown, expired or revoked. */
export function worthless(cause?: unknown): Fault {
  return new Fault('unauthenticated', 'the credential is not valid', 'Use a key that is valid, or sign in again.', { cause });
}

/** Those of the roles given once that allow no more than the roles held now: rights that were taken away are gone, new ones do not come along. */
export function rolesStillHeld(given: readonly Role[], held: readonly Role[]): Role[] {
  return given.filter((role) => areRightsWithin({ roles: held, scopes: [] }, { roles: [role], scopes: [] }));
}

/** When an identity for it ends, in epoch seconds: after a minute, or with it. */
export function expiryOf(nowMs: number, ...limitsMs: (number | null)[]): number {
  return Math.floor(Math.min(nowMs + identityLifetimeMs, ...limitsMs.map((limit) => limit ?? Infinity)) / 1000);
}

/** RFC 8693, 4.1: who acts now, and within, who acted before. */
export interface Actor {
  sub: string;
  act?: Actor;
}

/**
 * The chain after one more service: `actors` are those before, the last first. `forbidden` where a call has come through so many that it must go
 * in circles.
 */
export function actorChain(service: string, actors: readonly string[]): Actor {
  if (actors.length >= actorsMax) {
    throw new Fault(
      'forbidden',
      `the call came through more than ${actorsMax} services`,
      'Look for agents that call each other in circles.',
    );
  }
  return [`service:${service}`, ...actors].reduceRight<Actor | undefined>((act, sub) => (act ? { sub, act } : { sub }), undefined)!;
}
