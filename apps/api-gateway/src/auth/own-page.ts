import type { IncomingHttpHeaders } from 'node:http';
import { Fault } from '@signalbox/shared/errors/fault.js';

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);
const jsonPattern = /^application\/(?:[a-z-]+\+)?json(?:\s*;|\s*$)/i;

export interface BrowserRequest {
  method: string;
  headers: IncomingHttpHeaders;
}

/** Whether a browser may have been made to send it without its person: then `requireOwnPage` applies. */
export function isUnsafe({ method }: Pick<BrowserRequest, 'method'>): boolean {
  return !safeMethods.has(method.toUpperCase());
}

/**
 * `forbidden` unless one of our own pages sends it: by `Sec-Fetch-Site`, in old browsers by `Origin`, and in any case with our header and JSON,
 * which no form of another site can send.
 */
export function requireOwnPage({ headers }: BrowserRequest, publicUrl: string): void {
  const site = headers['sec-fetch-site'];
  const { origin } = headers;
  const isOwn = site === undefined ? origin !== undefined : site === 'same-origin';
  if (!isOwn || (origin !== undefined && !isOwnOrigin(origin, headers.host, publicUrl)))
    throw foreign('it does not come from a page of this installation');
  if (!headers['x-signalbox']) throw foreign('the header X-Signalbox is missing');
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  if (hasBody && !jsonPattern.test(headers['content-type'] ?? '')) throw foreign('its body is not JSON');
}

function isOwnOrigin(origin: string, host: string | undefined, publicUrl: string): boolean {
  if (!URL.canParse(origin)) return false;
  return new URL(origin).host === host?.toLowerCase() || (publicUrl !== '' && new URL(origin).origin === new URL(publicUrl).origin);
}

function foreign(why: string): Fault {
  return new Fault('forbidden', `a request by cookie is refused: ${why}`, 'Use the dashboard, or send an API key in `Authorization`.');
}
