import { hash } from 'node:crypto';
import type { Bus } from '../bus/bus.ts';
import type { ServiceName } from '../bus/contract.ts';
import { issueIdentity, type CredentialKind, type IssueIdentityReply } from '../contracts/security/issue-identity.ts';
import { isOutage } from '../errors/fault.ts';
import { childTraceparent, currentCall, inCall } from '../telemetry/call-context.ts';
import { now } from '../telemetry/clock.ts';
import { log } from '../telemetry/log.ts';
import type { Caller } from './caller.ts';
import type { IdentityClaims } from './verifier.ts';

/** Identities are traded anew this long before they expire, while the old ones still serve. */
const renewBeforeMs = 15_000;
/** A renewal that failed because `security` does not answer is tried again after this long. */
const renewPauseMs = 1_000;
/** Renewals under way at once: when thousands are due in one instant, those that wait for their turn still serve. */
const renewalsMax = 32;
/** Traded identities kept, about 1 KiB each; beyond, what was not used for longest is forgotten. */
const cacheMax = 32_768;

interface Traded {
  readonly issued: IssueIdentityReply;
  /** Epoch milliseconds from which it is renewed. */
  renewAt: number;
  /** The caller that this identity makes, once somebody asked for it. */
  caller?: Caller;
}

/** What a credential is kept by: never the credential itself. */
interface CredentialRef {
  readonly kind: CredentialKind;
  readonly credential: string;
  readonly digest: string;
}

/** Trades credentials, grants and identities for identities of other audiences, and keeps them while they live. */
export class IdentityBroker {
  private readonly cache = new Map<string, Traded>();
  private readonly asking = new Map<string, Promise<Traded>>();
  private renewing = 0;
  /** Counts revocations, so that an answer that was under way during one is not kept. */
  private forgotten = 0;

  constructor(private readonly bus: Bus) {}

  /** The caller of a verified identity; for further services it is traded at `security`. */
  callerOf(claims: IdentityClaims, token: string): Caller {
    const { workspace, principal, name, roles, scopes, credentialId, actors } = claims;
    let ref: CredentialRef | undefined;
    return {
      workspace,
      principal,
      name,
      roles,
      scopes,
      credentialId,
      actors,
      tokenFor: async (audience) => {
        if (audience === this.bus.service) return token;
        ref ??= refOf('token', token);
        return (await this.trade(ref, audience)).issued.token;
      },
    };
  }

  /** The caller behind a grant. */
  callerOfGrant(grant: string): Promise<Caller> {
    return this.callerOfCredential('grant', grant).then(({ caller }) => caller);
  }

  /** The caller behind a credential, and what names the credential in revocations. `unauthenticated` when it is worth nothing. */
  async callerOfCredential(kind: CredentialKind, credential: string): Promise<{ caller: Caller; credentialId: string }> {
    const ref = refOf(kind, credential);
    const traded = await this.trade(ref, this.bus.service);
    const caller = (traded.caller ??= this.callerOfReply(ref, traded.issued));
    return { caller, credentialId: traded.issued.credentialId };
  }

  /** The caller of a credential that was traded and still lives, without asking anybody; null: ask. */
  callerIfKnown(kind: CredentialKind, credential: string): Caller | null {
    const ref = refOf(kind, credential);
    const key = keyOf(ref, this.bus.service);
    const known = this.cache.get(key);
    if (!known || known.issued.expiresAt <= now()) return null;
    this.use(key, ref, this.bus.service, known);
    return (known.caller ??= this.callerOfReply(ref, known.issued));
  }

  private callerOfReply(ref: CredentialRef, issued: IssueIdentityReply): Caller {
    const { workspace, principal, name, roles, scopes, credentialId } = issued;
    const tokenFor = async (audience: ServiceName): Promise<string> => (await this.trade(ref, audience)).issued.token;
    return { workspace, principal, name, roles, scopes, credentialId, tokenFor };
  }

  /** Forgets what was traded for a credential or for a principal (by id), so that a revocation is felt at once. */
  forget(id: string): void {
    this.forgotten++;
    for (const [key, { issued }] of this.cache) if (issued.credentialId === id || issued.principal === id) this.cache.delete(key);
  }

  private async trade(ref: CredentialRef, audience: ServiceName): Promise<Traded> {
    const key = keyOf(ref, audience);
    const known = this.cache.get(key);
    if (!known || known.issued.expiresAt <= now()) return this.askOnce(key, ref, audience);
    this.use(key, ref, audience, known);
    return known;
  }

  private use(key: string, ref: CredentialRef, audience: ServiceName, known: Traded): void {
    if (this.cache.size > cacheMax / 2) this.touch(key, known);
    if (known.renewAt <= now() && ref.kind !== 'token') this.renew(key, ref, audience, known);
  }

  /** Keeps the order of last use; not worth its time while the cache is far from full. */
  private touch(key: string, traded: Traded): void {
    this.cache.delete(key);
    this.cache.set(key, traded);
  }

  /** Beside the requests, which go on with the identity that still lives; a refusal ends it. */
  private renew(key: string, ref: CredentialRef, audience: ServiceName, known: Traded): void {
    if (this.renewing >= renewalsMax) return;
    known.renewAt = now() + renewPauseMs;
    this.renewing++;
    this.askOnce(key, ref, audience)
      .catch((err: unknown) => {
        if (!isOutage(err)) this.cache.delete(key);
        else log.warn('an identity was not renewed', { audience, because: (err as Error).message });
      })
      .finally(() => this.renewing--);
  }

  private askOnce(key: string, ref: CredentialRef, audience: ServiceName): Promise<Traded> {
    const underWay = this.asking.get(key);
    if (underWay) return underWay;
    // outside the call that happens to be first: others wait for the same answer, and its deadline and cancellation are not theirs
    const asking = inCall({ traceparent: currentCall()?.traceparent ?? childTraceparent() }, () => this.ask(key, ref, audience)).finally(
      () => this.asking.delete(key),
    );
    this.asking.set(key, asking);
    return asking;
  }

  private async ask(key: string, { kind, credential }: CredentialRef, audience: ServiceName): Promise<Traded> {
    for (let round = 0; ; round++) {
      const before = this.forgotten;
      const issued = await this.bus.request(issueIdentity, { kind, credential, audience }, 'service');
      const traded = { issued, renewAt: issued.expiresAt - renewBeforeMs };
      if (this.forgotten !== before && round === 0) continue; // it may have been traded before the revocation
      if (this.forgotten === before) this.keep(key, traded);
      return traded;
    }
  }

  private keep(key: string, traded: Traded): void {
    this.touch(key, traded);
    if (this.cache.size > cacheMax)
      for (const oldest of this.cache.keys()) {
        this.cache.delete(oldest);
        break;
      }
  }
}

function keyOf({ kind, digest }: CredentialRef, audience: ServiceName): string {
  return `${kind} ${audience} ${digest}`;
}

function refOf(kind: CredentialKind, credential: string): CredentialRef {
  return { kind, credential, digest: hash('sha256', credential, 'base64url') };
}
