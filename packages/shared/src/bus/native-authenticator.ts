import { sign } from 'node:crypto';
import type { Authenticator } from '@nats-io/transport-node';
import { privateKeyOf, readSeed } from './nkey.ts';

/**
 * Answers the server's nonce by the user's key of a `.creds` file (NATS, nats-architecture-and-design/adr/ADR-14), signed by Node's own Ed25519:
 * the library's is written in JavaScript and takes 70 ms of each start. Throws when the file holds no user.
 */
export function nativeAuthenticator(creds: string): Authenticator {
  const jwt = found(creds, /BEGIN NATS USER JWT-+\s+(\S+)/, 'user JWT');
  const key = privateKeyOf(readSeed(found(creds, /BEGIN USER NKEY SEED-+\s+(\S+)/, 'user seed')).raw);
  return (nonce) => ({ jwt, sig: nonce === undefined ? '' : sign(null, Buffer.from(nonce), key).toString('base64url') });
}

function found(creds: string, pattern: RegExp, what: string): string {
  const text = pattern.exec(creds)?.[1];
  if (text === undefined) throw new Error(`the NATS credentials hold no ${what}`);
  return text;
}
