import { crc32 } from 'node:zlib';
import type { IncomingHttpHeaders } from 'node:http';

/** What came with a request to prove who sends it. */
export interface ShownCredential {
  kind: 'key' | 'session';
  credential: string;
}

/** The rules of RFC 6750 for the header; keys are visible ASCII, and shorter than this. */
const bearerPattern = /^Bearer +([\x21-\x7e]{1,512})$/i;
const sessionPattern = /^sbx_session_[0-9A-Za-z]{43}$/;
/** `sbx_<id>_<256 bits>_<check>`, as `security` makes them; the administrator's own may look otherwise. */
const madeKeyPattern = /^(sbx_[0-7][0-9a-hjkmnp-tv-z]{25}_[0-9A-Za-z]{43})_([0-9A-Za-z]{6})$/;
const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/**
 * The credential of a request: a key in `Authorization`, else the session in the cookie of this name. Null: none. A header that is no key is
 * never passed over for the cookie.
 */
export function shownCredential(headers: IncomingHttpHeaders, cookieName: string): ShownCredential | null {
  if (headers.authorization !== undefined) {
    const [, credential = ''] = bearerPattern.exec(headers.authorization) ?? [];
    return { kind: 'key', credential };
  }
  const session = cookieOf(headers.cookie, cookieName);
  return session === null ? null : { kind: 'session', credential: session };
}

/** Whether it can be a credential at all, so that typing errors and other people's tokens cost no question. */
export function canBeCredential({ kind, credential }: ShownCredential): boolean {
  if (kind === 'session') return sessionPattern.test(credential);
  if (!credential.startsWith('sbx_') || credential.length < 24 || sessionPattern.test(credential)) return false;
  const made = madeKeyPattern.exec(credential);
  return made === null || checkOf(made[1]!) === made[2];
}

/** CRC-32 in base 62, six digits: the last part of every key that was made. */
function checkOf(text: string): string {
  let rest = crc32(text);
  let check = '';
  for (let digit = 0; digit < 6; digit++) {
    check = alphabet[rest % 62]! + check;
    rest = Math.floor(rest / 62);
  }
  return check;
}

/** The value of a cookie. Null when it is absent, or there twice with different values: somebody else set one of them. */
export function cookieOf(header: string | undefined, name: string): string | null {
  if (header === undefined) return null;
  const values = new Set(
    header
      .split(';')
      .map((pair) => pair.trim())
      .filter((pair) => pair.startsWith(`${name}=`))
      .map((pair) => pair.slice(name.length + 1)),
  );
  const [value] = values;
  return values.size === 1 && value !== undefined && value !== '' ? value : null;
}
