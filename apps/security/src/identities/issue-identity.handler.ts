import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import type { ServiceName } from '@signalbox/shared/bus/contract.js';
import { FromService, Handles } from '@signalbox/shared/bus/handles.js';
import { issueIdentity, IssueIdentityRequest, type IssueIdentityReply } from '@signalbox/shared/contracts/security/issue-identity.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { DenialCounter } from '@signalbox/shared/identity/denial-counter.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { IdentityReader } from './identity-reader.ts';
import { KeyRing } from '../signing/key-ring.ts';
import { actorChain, expiryOf, rolesStillHeld, worthless, type Credential } from './credential.ts';
import { CredentialStore } from './credential.store.ts';
import { LastUse } from './last-use.ts';

/** A credential with what an identity for it adds: who acted before, and when it must end. */
type Tradable = Omit<Credential, 'refusal' | 'service' | 'kind'> & { actors: string[] };

@Controller()
export class IssueIdentityHandler {
  constructor(
    private readonly credentials: CredentialStore,
    private readonly keys: KeyRing,
    private readonly reader: IdentityReader,
    private readonly lastUse: LastUse,
    private readonly denials: DenialCounter,
  ) {}

  @Handles(issueIdentity)
  async handle(
    @Payload() { kind, credential, audience }: IssueIdentityRequest,
    @FromService() service: ServiceName,
  ): Promise<IssueIdentityReply> {
    const tradable = await (kind === 'token' ? this.fromToken(credential, service) : this.fromCredential(kind, credential, service));
    const at = now();
    const { workspace, id, principal, name, roles, scopes, expiresAt, actors } = tradable;
    const exp = expiryOf(at, expiresAt);
    if (exp * 1000 <= at) throw worthless();
    const act = audience === service ? {} : { act: actorChain(service, actors) };
    const token = await this.keys.sign({ sub: principal, workspace, name, roles, scopes, cid: id, iat: at / 1000, exp, ...act }, audience);
    return { token, expiresAt: exp * 1000, workspace, principal, name, roles, scopes, credentialId: id };
  }

  /** Keys and sessions are shown at the gateway, which alone sees them; a grant is worth something only to the service that holds it. */
  private async fromCredential(kind: 'key' | 'session' | 'grant', credential: string, service: ServiceName): Promise<Tradable> {
    if (kind !== 'grant' && service !== 'api-gateway') {
      throw new Fault('forbidden', `${service} may not trade a ${kind}`, 'Trade a grant, or the identity that came with the call.');
    }
    const found = await this.credentials.find(kind, credential);
    if (!found) throw worthless();
    if (found.refusal !== null || (kind === 'grant' && found.service !== service)) {
      this.denials.note(found, `identity of a ${kind} that is ${found.refusal ?? `held by ${found.service}`}`);
      throw worthless();
    }
    if (kind !== 'grant') this.lastUse.note(found);
    return { ...found, actors: [] };
  }

  /** Token exchange (RFC 8693): the same rights or fewer, not a moment longer, for the service that the identity was meant for. */
  private async fromToken(token: string, service: ServiceName): Promise<Tradable> {
    const claims = await this.reader.read(token, service);
    const { workspace, principal, credentialId, name, scopes, expiresAt, actors } = claims;
    const rolesNow = await this.credentials.rolesNow(workspace, credentialId, principal);
    if (rolesNow === null) throw worthless();
    return { workspace, id: credentialId, principal, name, roles: rolesStillHeld(claims.roles, rolesNow), scopes, expiresAt, actors };
  }
}
