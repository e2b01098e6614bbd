import {
  createAccount,
  createOperator,
  createUser,
  encodeAccount,
  encodeOperator,
  encodeUser,
  fmtCreds,
  fromSeed,
  type KeyPair,
} from '@nats-io/jwt';
import { serviceNames, type ServiceName } from '@signalbox/shared/bus/contract.js';
import type { NatsPermissions } from './permissions.ts';

/** Seeds of everything that signs or signs in: as secret as passwords. */
export interface NatsKeys {
  operator: string;
  systemAccount: string;
  account: string;
  users: Record<ServiceName, string>;
}

/** What the server must know, and what each service signs in with. */
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
  return {
    operator: seedOf(createOperator()),
    systemAccount: seedOf(createAccount()),
    account: seedOf(createAccount()),
    users: Object.fromEntries(serviceNames.map((service) => [service, seedOf(createUser())])) as Record<ServiceName, string>,
  };
}

/** The operator's and accounts' signed statements for the server's configuration. */
export async function natsTrust(keys: NatsKeys): Promise<NatsTrust> {
  const operator = keyPair(keys.operator);
  const system = keyPair(keys.systemAccount);
  const account = keyPair(keys.account);
  const [operatorJwt, systemJwt, accountJwt] = await Promise.all([
    encodeOperator('signalbox', operator, { system_account: system.getPublicKey() }),
    encodeAccount('SYS', system, { limits: accountLimits({}) }, { signer: operator }),
    encodeAccount('SIGNALBOX', account, { limits: accountLimits(jetstreamLimits) }, { signer: operator }),
  ]);
  return {
    operatorJwt,
    systemAccount: { id: system.getPublicKey(), jwt: systemJwt },
    account: { id: account.getPublicKey(), jwt: accountJwt },
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

/** The contents of a service's `.creds` file: its user, signed by the account, and its key. */
export async function credsOf(keys: NatsKeys, service: ServiceName, permissions: NatsPermissions): Promise<Uint8Array> {
  return sign(service, keys.users[service], keys, {
    pub: { allow: permissions.publish },
    sub: { allow: permissions.subscribe },
    resp: { max: 1, ttl: permissions.respondWithinMs * 1_000_000 },
  });
}

/** Credentials that may do everything in the account. For operators' tools and tests; no service has them. */
export async function unrestrictedCreds(keys: NatsKeys, name: string): Promise<Uint8Array> {
  return sign(name, seedOf(createUser()), keys, {});
}

async function sign(name: string, seed: string, keys: NatsKeys, rights: object): Promise<Uint8Array> {
  const user = keyPair(seed);
  const jwt = await encodeUser(name, user, keyPair(keys.account), { subs: unlimited, data: unlimited, payload: unlimited, ...rights });
  return fmtCreds(jwt, user);
}

function seedOf(pair: KeyPair): string {
  return new TextDecoder().decode(pair.getSeed());
}

function keyPair(seed: string): KeyPair {
  return fromSeed(new TextEncoder().encode(seed));
}
