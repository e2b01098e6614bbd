import type { Bus } from '../bus/bus.ts';
import type { ServiceName } from '../bus/contract.ts';
import { issueIdentity, type CredentialKind, type IssueIdentityReply } from '../contracts/security/issue-identity.ts';
import { now } from '../telemetry/clock.ts';
import type { Caller } from './caller.ts';
import type { IdentityClaims } from './verifier.ts';

/** Identities are traded anew this long before they expire. */
const renewBeforeMs = 15_000;
/** Traded identities kept; more than this many are forgotten first in, first out. */
const cacheMax = 10_000;

/** Trades credentials, grants and identities for identities of other audiences, and keeps them while they live. */
export class IdentityBroker {
  private readonly cache = new Map<string, Promise<IssueIdentityReply>>();

  constructor(private readonly bus: Bus) {}

  /** The caller of a verified identity; for further services it is traded at `security`. */
  callerOf(claims: IdentityClaims, token: string): Caller {
    const { workspace, principal, name, roles, scopes } = claims;
    return {
      workspace,
      principal,
      name,
      roles,
      scopes,
      tokenFor: async (audience) => (audience === this.bus.service ? token : (await this.trade('token', token, audience)).token),
    };
  }

  /** The caller behind a grant. */
  callerOfGrant(grant: string): Promise<Caller> {
    return this.callerOfCredential('grant', grant).then(({ caller }) => caller);
  }

  /** The caller behind a credential, and what names the credential in revocations. */
  async callerOfCredential(kind: CredentialKind, credential: string): Promise<{ caller: Caller; credentialId: string }> {
    const { workspace, principal, name, roles, scopes, credentialId } = await this.trade(kind, credential, this.bus.service);
    const tokenFor = async (audience: ServiceName): Promise<string> => (await this.trade(kind, credential, audience)).token;
    return { caller: { workspace, principal, name, roles, scopes, tokenFor }, credentialId };
  }

  /** Forgets what was traded for a credential, so that a revocation is felt at once. */
  async forget(credentialId: string): Promise<void> {
    for (const [key, issued] of this.cache) {
      const reply = await issued.catch(() => null);
      if (reply === null || reply.credentialId === credentialId) this.cache.delete(key);
    }
  }

  private async trade(kind: CredentialKind, credential: string, audience: ServiceName): Promise<IssueIdentityReply> {
    const key = `${kind} ${audience} ${credential}`;
    const known = this.cache.get(key);
    if (known) {
      const issued = await known;
      if (issued.expiresAt - renewBeforeMs > now()) return issued;
    }
    const asking = this.bus.request(issueIdentity, { kind, credential, audience }, 'service');
    this.cache.delete(key);
    this.cache.set(key, asking);
    asking.catch(() => this.cache.get(key) === asking && this.cache.delete(key));
    if (this.cache.size > cacheMax)
      for (const oldest of this.cache.keys()) {
        this.cache.delete(oldest);
        break;
      }
    return asking;
  }
}
