import type { IncomingHttpHeaders } from 'node:http';
import { Fault } from '@signalbox/shared/errors/fault.js';

const loopbackHost = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?$/i;

/** How the outside reaches the gateway: whether by TLS decides how the session's cookie is kept. */
export interface Outside {
  /** The gateway itself speaks TLS. */
  isTls: boolean;
  /** `https://host` of the proxy before it; empty: none. */
  publicUrl: string;
}

/** Whether the browser that named this host came by TLS. */
export function isSecure({ isTls, publicUrl }: Outside, host: string): boolean {
  return isTls || (publicUrl.startsWith('https:') && new URL(publicUrl).host === host.toLowerCase());
}

/**
 * The cookie's name at a host. By TLS the prefix makes browsers refuse it from anybody else (RFC 6265bis, `__Host-`); on loopback, where cookies
 * of all ports are one jar, the port keeps installations apart.
 */
export function cookieNameFor(outside: Outside, headers: IncomingHttpHeaders): string {
  const host = headers.host ?? '';
  if (isSecure(outside, host)) return '__Host-signalbox';
  return `signalbox-${/:(\d+)$/.exec(host)?.[1] ?? '80'}`;
}

/** `Set-Cookie` for a new session; `forbidden` where it would travel unencrypted. */
export function sessionCookie(outside: Outside, headers: IncomingHttpHeaders, session: string, maxAgeS: number): string {
  const host = headers.host ?? '';
  if (!isSecure(outside, host) && !loopbackHost.test(host)) {
    throw new Fault('forbidden', 'a browser signs in by HTTPS only, except on this machine itself', 'Set up TLS, or open it by 127.0.0.1.');
  }
  return cookie(outside, headers, session, maxAgeS);
}

/** `Set-Cookie` that makes the browser forget its session. */
export function forgottenCookie(outside: Outside, headers: IncomingHttpHeaders): string {
  return cookie(outside, headers, '', 0);
}

function cookie(outside: Outside, headers: IncomingHttpHeaders, value: string, maxAgeS: number): string {
  const attributes = ['Path=/', 'HttpOnly', 'SameSite=Lax', `Max-Age=${maxAgeS}`];
  if (isSecure(outside, headers.host ?? '')) attributes.push('Secure');
  return [`${cookieNameFor(outside, headers)}=${value}`, ...attributes].join('; ');
}
