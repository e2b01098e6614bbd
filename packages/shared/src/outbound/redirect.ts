import { Fault } from '../errors/fault.ts';

/** As many as a moved and renamed service needs; more is a loop or a hunt. */
export const redirectsMax = 3;

/** A request as it is sent at one hop. */
export interface Hop {
  url: URL;
  method: string;
  headers: Headers;
  body: RequestInit['body'];
}

/** What may be told to another origin: everything else could be a credential. */
const harmlessHeaders = new Set(['accept', 'accept-language', 'content-type', 'user-agent', 'mcp-protocol-version', 'traceparent']);

/** The URL as one that we may ask. `invalid` when it is not http(s), or carries credentials. */
export function outboundUrl(text: string, base?: URL): URL {
  let url: URL;
  try {
    url = new URL(text, base);
  } catch (cause) {
    throw new Fault('invalid', 'this is not a URL', 'Use an absolute http or https URL.', { cause });
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new Fault('invalid', 'only http and https URLs can be called', 'Use an http or https URL.');
  }
  if (url.username !== '' || url.password !== '') {
    throw new Fault('invalid', 'a URL must not carry a user and password', 'Send them in a header instead.');
  }
  return url;
}

/** Where a response sends us next; null when it is no redirect (Fetch standard, HTTP-redirect fetch). */
export function nextHop(from: Hop, status: number, location: string | null): Hop | null {
  if (![301, 302, 303, 307, 308].includes(status) || location === null) return null;
  const url = outboundUrl(location, from.url);
  const isGet = (status === 303 && from.method !== 'HEAD') || ((status === 301 || status === 302) && from.method === 'POST');
  const headers = isSameSite(from.url, url) ? new Headers(from.headers) : harmless(from.headers);
  if (isGet) {
    headers.delete('content-type');
    headers.delete('content-length');
    return { url, method: 'GET', headers, body: null };
  }
  if (from.body !== null && from.body !== undefined) {
    if (!isSameSite(from.url, url)) {
      throw new Fault('invalid', 'the URL redirects what is sent to another site', 'Use the URL that it leads to.');
    }
    if (typeof from.body !== 'string' && !ArrayBuffer.isView(from.body)) {
      throw new Fault('invalid', 'the URL redirects a stream, which cannot be sent twice', 'Use the URL that it leads to.');
    }
  }
  return { url, method: from.method, headers, body: from.body };
}

/** The same origin, or the same host gone from http to https on their own ports. */
function isSameSite(from: URL, to: URL): boolean {
  const isUpgrade =
    from.protocol === 'http:' && to.protocol === 'https:' && from.hostname === to.hostname && from.port === '' && to.port === '';
  return from.origin === to.origin || isUpgrade;
}

function harmless(headers: Headers): Headers {
  return new Headers([...headers].filter(([name]) => harmlessHeaders.has(name)));
}
