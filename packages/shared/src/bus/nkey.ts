import { createPrivateKey, type KeyObject } from 'node:crypto';

export const nkeyAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
/** DER of a PKCS #8 Ed25519 private key up to its 32 bytes (RFC 8410). */
const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex');
/** Prefix (2), Ed25519 seed (32), checksum (2). */
const seedBytes = 36;

/** The parts of an NKey's seed: its two prefix bytes and the raw Ed25519 seed (NATS, nats-io/nkeys). Throws when it is none. */
export function readSeed(seed: string): { prefix: Buffer; raw: Buffer } {
  const bytes = fromBase32(seed);
  if (bytes.length !== seedBytes) throw new Error('this is not the seed of an NKey');
  return { prefix: bytes.subarray(0, 2), raw: bytes.subarray(2, 34) };
}

/** Node's own key of a raw Ed25519 seed: the library's is written in JavaScript and takes 50 to 100 ms a signature. */
export function privateKeyOf(raw: Buffer): KeyObject {
  return createPrivateKey({ key: Buffer.concat([pkcs8Head, raw]), format: 'der', type: 'pkcs8' });
}

function fromBase32(text: string): Buffer {
  const bits = [...text].map((letter) => nkeyAlphabet.indexOf(letter).toString(2).padStart(5, '0')).join('');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((eight) => Number.parseInt(eight, 2)));
}
