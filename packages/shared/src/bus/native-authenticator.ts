import { createPrivateKey, sign } from 'node:crypto';
import type { Authenticator } from '@nats-io/transport-node';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
/** DER of a PKCS #8 Ed25519 private key up to its 32 bytes (RFC 8410). */
const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex');

/**
 * Answers the server's nonce by the user's key of a `.creds` file (NATS, nats-architecture-and-design/adr/ADR-14), signed by Node's own Ed25519:
 * the library's is written in JavaScript and takes 70 ms of each start. Throws when the file holds no user.
 */
export function nativeAuthenticator(creds: string): Authenticator {
  const jwt = found(creds, /BEGIN NATS USER JWT-+\s+(\S+)/, 'user JWT');
  const seed = fromBase32(found(creds, /BEGIN USER NKEY SEED-+\s+(\S+)/, 'user seed'));
  if (seed.length !== 36) throw new Error('the seed in the NATS credentials is not one of a user');
  const key = createPrivateKey({ key: Buffer.concat([pkcs8Head, seed.subarray(2, 34)]), format: 'der', type: 'pkcs8' });
  return (nonce) => ({ jwt, sig: nonce === undefined ? '' : sign(null, Buffer.from(nonce), key).toString('base64url') });
}

function found(creds: string, pattern: RegExp, what: string): string {
  const text = pattern.exec(creds)?.[1];
  if (text === undefined) throw new Error(`the NATS credentials hold no ${what}`);
  return text;
}

function fromBase32(text: string): Buffer {
  const bits = [...text].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0')).join('');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((eight) => Number.parseInt(eight, 2)));
}
