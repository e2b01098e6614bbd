import { createPublicKey, sign } from 'node:crypto';
import { fromSeed, type KeyPair } from '@nats-io/jwt';
import { nkeyAlphabet, privateKeyOf, readSeed } from '@signalbox/shared/bus/nkey.js';

/** `P`, of private keys. */
const privatePrefix = 15 << 3;

/**
 * An NKey that signs with Node's own Ed25519. The one of the library is written in JavaScript and takes 50 to 100 ms a signature, a second at
 * each start.
 */
export function nativeKeyPair(seed: string): KeyPair {
  const pair = fromSeed(new TextEncoder().encode(seed)); // checks the seed
  const { prefix, raw: rawSeed } = readSeed(seed);
  const key = privateKeyOf(rawSeed);
  const rawPublicKey = Buffer.from(createPublicKey(key).export({ format: 'jwk' }).x!, 'base64url');
  // The seed's first two bytes hold the prefix of the public key.
  const publicKey = encode(((prefix[0]! & 7) << 5) | ((prefix[1]! & 248) >> 3), rawPublicKey);
  return Object.assign(Object.create(pair) as KeyPair, {
    getPublicKey: () => publicKey,
    getPrivateKey: () => new TextEncoder().encode(encode(privatePrefix, Buffer.concat([rawSeed, rawPublicKey]))),
    sign: (input: Uint8Array) => new Uint8Array(sign(null, input, key)),
  });
}

/** A key as NATS writes it: prefix, bytes and checksum in base 32. */
function encode(prefix: number, bytes: Buffer): string {
  const body = Buffer.concat([Buffer.of(prefix), bytes]);
  const checksum = Buffer.alloc(2);
  checksum.writeUInt16LE(crc16(body));
  return toBase32(Buffer.concat([body, checksum]));
}

/** CRC-16/XMODEM. */
function crc16(bytes: Buffer): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  }
  return crc;
}

function toBase32(bytes: Buffer): string {
  let bits = '';
  for (const byte of bytes) bits += byte.toString(2).padStart(8, '0');
  return bits.replace(/.{1,5}/g, (five) => nkeyAlphabet[Number.parseInt(five.padEnd(5, '0'), 2)]!);
}
