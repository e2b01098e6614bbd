import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import type { ServiceName } from '@signalbox/shared/bus/contract.js';
import type { CredentialKind, IssueIdentityReply } from '@signalbox/shared/contracts/security/issue-identity.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Role } from '@signalbox/shared/identity/roles.js';
import { IdentityVerifier, identityIssuer } from '@signalbox/shared/identity/verifier.js';

/** Who a test acts as; what is absent is the workspace's administrator. */
export interface TestIdentity {
  workspace?: string;
  principal?: string;
  name?: string;
  roles?: Role[];
  scopes?: string[];
}

const lifeS = 60;
export const defaultWorkspace = '01900000-0000-7000-8000-000000000001';

/** Signs identities in the place of `security`, by the same claims and algorithm. */
export class TestIssuer {
  private readonly credentials = new Map<string, Required<TestIdentity>>();

  private constructor(
    private readonly privateKey: CryptoKey,
    readonly publicJwk: JWK,
  ) {}

  static async create(): Promise<TestIssuer> {
    const { privateKey, publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
    return new TestIssuer(privateKey, { ...(await exportJWK(publicKey)), kid: randomUUID(), alg: 'EdDSA', use: 'sig' });
  }

  static complete(identity: TestIdentity = {}): Required<TestIdentity> {
    return {
      workspace: identity.workspace ?? defaultWorkspace,
      principal: identity.principal ?? 'user_test',
      name: identity.name ?? 'test',
      roles: identity.roles ?? ['admin'],
      scopes: identity.scopes ?? [],
    };
  }

  /** A signed identity for one service. */
  async sign(identity: TestIdentity, audience: ServiceName, expiresInS = lifeS): Promise<string> {
    const { workspace, principal, name, roles, scopes } = TestIssuer.complete(identity);
    return new SignJWT({ workspace, name, roles, scopes })
      .setProtectedHeader({ alg: 'EdDSA', kid: this.publicJwk.kid! })
      .setIssuer(identityIssuer)
      .setSubject(principal)
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime(Math.floor(Date.now() / 1000) + expiresInS)
      .sign(this.privateKey);
  }

  /** Makes a credential (a key, session or grant) that can be traded for this identity. */
  addCredential(identity: TestIdentity, credential: string = `grant_${randomUUID()}`): string {
    this.credentials.set(credential, TestIssuer.complete(identity));
    return credential;
  }

  /** From now on the credential is worth nothing. */
  revoke(credential: string): void {
    this.credentials.delete(credential);
  }

  /** Who a signed identity for `audience` is. */
  async read(token: string, audience: ServiceName): Promise<Required<TestIdentity>> {
    const verifier = new IdentityVerifier(audience, () => Promise.resolve({ keys: [this.publicJwk] }));
    const { workspace, principal, name, roles, scopes } = await verifier.verify(token);
    return { workspace, principal, name, roles, scopes };
  }

  /** Trades a credential as `security` does; `token` is an identity for the asking service. */
  async issue(kind: CredentialKind, credential: string, audience: ServiceName, asking: ServiceName): Promise<IssueIdentityReply> {
    const identity = kind === 'token' ? await this.read(credential, asking) : this.credentials.get(credential);
    if (!identity) throw new Fault('unauthenticated', 'the credential is not valid', 'Use another.');
    const token = await this.sign(identity, audience);
    return { token, expiresAt: Date.now() + lifeS * 1000, credentialId: kind === 'token' ? 'token' : credential, ...identity };
  }
}
