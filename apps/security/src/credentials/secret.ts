import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { fromUuid } from '@signalbox/shared/ids/ids.js';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const secretBytes = 32;
/** Digits that 256 bits need in base 62. */
const secretLength = 43;
const checkLength = 6;

/** A number in base 62, of at least `length` digits. */
export function base62(value: bigint, length: number): string {
  let text = '';
  for (let rest = value; rest > 0n || text.length < length; rest /= 62n) text = alphabet[Number(rest % 62n)]! + text;
  return text;
}

/** 256 bits of chance, in base 62. */
export function newSecret(): string {
  return base62(BigInt(`0x${randomBytes(secretBytes).toString('hex')}`), secretLength);
}

/** CRC-32 of what stands before it: a typing error is seen without a look into the database. It proves nothing else. */
export function checkOf(text: string): string {
  return base62(BigInt(crc32(text)), checkLength);
}

/** A new API key: `sbx_<id>_<256 bits>_<check>`; the id is that of `key_<id>`, so that a key that was found somewhere can be revoked. */
export function newApiKey(uuid: string): string {
  const body = `sbx_${fromUuid('key', uuid).slice('key_'.length)}_${newSecret()}`;
  return `${body}_${checkOf(body)}`;
}

/** What a browser's cookie holds. Log scrubbers know it by its beginning, as they do keys. */
export function newSessionSecret(): string {
  return `sbx_session_${newSecret()}`;
}

/** A new grant: `grant_<id>_<256 bits>`. */
export function newGrant(uuid: string): string {
  return `${fromUuid('grant', uuid)}_${newSecret()}`;
}
