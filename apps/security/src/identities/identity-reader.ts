import { Injectable } from '@nestjs/common';
import { serviceNames, type ServiceName } from '@signalbox/shared/bus/contract.js';
import { RevocationWatch } from '@signalbox/shared/identity/revocation-watch.js';
import { IdentityVerifier, type IdentityClaims } from '@signalbox/shared/identity/verifier.js';
import { KeyRing } from '../signing/key-ring.ts';

/** Reads identities that were made for other services, when these want to trade them. */
@Injectable()
export class IdentityReader {
  private readonly verifiers: Record<ServiceName, IdentityVerifier>;

  constructor(keys: KeyRing, revocations: RevocationWatch) {
    const source = () => Promise.resolve({ keys: keys.publicKeys() as never });
    this.verifiers = Object.fromEntries(serviceNames.map((name) => [name, new IdentityVerifier(name, source)])) as typeof this.verifiers;
    revocations.onRevoked((id, at) => {
      for (const verifier of Object.values(this.verifiers)) verifier.revoke(id, at);
    });
  }

  /** `unauthenticated` unless it is a live identity for that service. */
  read(token: string, audience: ServiceName): Promise<IdentityClaims> {
    return this.verifiers[audience].verify(token);
  }
}
