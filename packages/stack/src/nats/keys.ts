import {
  createAccount,
  createOperator,
  createUser,
  encodeAccount,
  encodeOperator,
  encodeUser,
  fmtCreds,
  newScopedSigner,
  type KeyPair,
  type UserPermissionsLimits,
} from '@nats-io/jwt';
import { serviceNames, type ServiceName } from '@signalbox/shared/bus/contract.js';
import { nativeKeyPair } from './native-key-pair.ts';
import type { NatsPermissions } from './permissions.ts';

/** Seeds of everything that signs or signs in: as secret as passwords. */
export interface NatsKeys {
  operator: string;
  systemAccount: string;
  account: string;
  /** The key that signs a service's user. What it signs has the rights that the account gives this key, and no others. */
  signers: Record<ServiceName, string>;
  users: Record<ServiceName, string>;
}

/** What the server must know: signed statements of the operator and the accounts, the services' rights among them. */
export interface NatsTrust {
  operatorJwt: string;
  systemAccount: { id: string; jwt: string };
  account: { id: string; jwt: string };
}

/** JetStream limits of the account; limits that are not set are 0. */
const jetstreamLimits = {
  mem_storage: 64 * 1024 * 1024,
  disk_storage: 1024 * 1024 * 1024,
  streams: 8,
  consumer: 1_000,
};
const unlimited = -1;

export function newNatsKeys(): NatsKeys {
  const each = (make: () => KeyPair): Record<ServiceName, string> =>
    Object.fromEntries(serviceNames.map((service) => [service, seedOf(make())])) as Record<ServiceName, string>;
  return {
    operator: seedOf(createOperator()),
    systemAccount: seedOf(createAccount()),
    account: seedOf(createAccount()),
    signers: each(createAccount),
    users: each(createUser),
  };
}

/** Makes the server's statements anew: with other contracts, services have other rights and keep their credentials. */
export async function natsTrust(keys: NatsKeys, permissions: (service: ServiceName) => NatsPermissions): Promise<NatsTrust> {
  const operator = nativeKeyPair(keys.operator);
  const system = nativeKeyPair(keys.systemAccount);
  const account = nativeKeyPair(keys.account);
  const [operatorJwt, systemJwt, accountJwt] = await Promise.all([
    encodeOperator('signalbox', operator, { system_account: system.getPublicKey() }),
    encodeAccount('SYS', system, { limits: accountLimits({}) }, { signer: operator }),
    encodeAccount(
      'SIGNALBOX',
      account,
      {
        limits: accountLimits(jetstreamLimits),
        signing_keys: serviceNames.map((service) =>
          newScopedSigner(nativeKeyPair(keys.signers[service]), service, limitsOf(permissions(service))),
        ),
      },
      { signer: operator },
    ),
  ]);
  return {
    operatorJwt,
    systemAccount: { id: system.getPublicKey(), jwt: systemJwt },
    account: { id: account.getPublicKey(), jwt: accountJwt },
  };
}

function limitsOf({ publish, subscribe, respondWithinMs }: NatsPermissions): Partial<UserPermissionsLimits> {
  return {
    subs: unlimited,
    data: unlimited,
    payload: unlimited,
    pub: { allow: publish },
    sub: { allow: subscribe },
    resp: { max: 1, ttl: respondWithinMs * 1_000_000 },
  };
}

function accountLimits(more: object): object {
  return {
    subs: unlimited,
    data: unlimited,
    payload: unlimited,
    imports: unlimited,
    exports: unlimited,
    wildcards: true,
    conn: unlimited,
    leaf: 0,
    ...more,
  };
}

/**
 * The contents of a service's `.creds` file. Its rights are not in it but in the account: the list is too long for the line with which a client
 * signs in (4 KiB).
 */
export async function credsOf(keys: NatsKeys, service: ServiceName): Promise<Uint8Array> {
  const user = nativeKeyPair(keys.users[service]);
  const jwt = await encodeUser(
    service,
    user,
    nativeKeyPair(keys.account),
    {},
    { scopedUser: true, signer: nativeKeyPair(keys.signers[service]) },
  );
  return fmtCreds(jwt, user);
}

/** Credentials that may do everything in the account. For operators' tools and tests; no service has them. */
export async function unrestrictedCreds(keys: NatsKeys, name: string): Promise<Uint8Array> {
  const user = createUser();
  const jwt = await encodeUser(name, user, nativeKeyPair(keys.account), { subs: unlimited, data: unlimited, payload: unlimited });
  return fmtCreds(jwt, user);
}

function seedOf(pair: KeyPair): string {
  return new TextDecoder().decode(pair.getSeed());
}
