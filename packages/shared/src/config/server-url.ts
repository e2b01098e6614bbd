import { isIP } from 'node:net';

/** How the servers behind us are reached. */
export interface ServerTls {
  /** PEM file of the certification authorities that are trusted for it; empty: those of Node. */
  caFile: string;
  /** Whether a server off this machine may be reached without TLS. */
  isPlaintextAllowed: boolean;
}

/** The variable that allows servers without TLS off this machine. */
export const plaintextVariable = 'SIGNALBOX_ALLOW_PLAINTEXT';

const allowIt = `or set ${plaintextVariable}=1 where the network itself keeps others out (a service mesh, a private network of containers)`;

/**
 * The database's URL with its CA file in it. `sslmode=verify-full` is what TLS means here: encrypted, and with the server that the URL names. Name the
 * server by a host name: the certificate's name is compared with it.
 */
export function withDatabaseCa(url: string, caFile: string): string {
  const parsed = URL.parse(url);
  if (caFile === '' || !parsed) return url;
  if (!parsed.searchParams.has('sslmode')) parsed.searchParams.set('sslmode', 'verify-full');
  if (!parsed.searchParams.has('sslrootcert')) parsed.searchParams.set('sslrootcert', caFile);
  return parsed.href;
}

/** What is wrong with the way in which a PostgreSQL would be reached, and how to mend it; null when nothing is. */
export function databaseUrlFault(url: string, { caFile, isPlaintextAllowed }: ServerTls): string | null {
  if (url === '' || isPlaintextAllowed) return null;
  const parsed = URL.parse(withDatabaseCa(url, caFile));
  if (!parsed) return 'is not a URL: give it like postgres://user:password@host/database';
  const host = decodeURIComponent(parsed.searchParams.get('host') ?? parsed.hostname);
  if (host.startsWith('/') || isLoopback(host) || parsed.searchParams.get('sslmode') === 'verify-full') return null;
  return `would reach PostgreSQL at ${host || 'a host that it does not name'} without TLS that is verified: add sslmode=verify-full to it (DATABASE_CA_FILE names a CA of your own), ${allowIt}`;
}

/** What is wrong with the way in which a NATS would be reached, and how to mend it; null when nothing is. */
export function natsUrlFault(urls: string, { caFile, isPlaintextAllowed }: ServerTls): string | null {
  if (urls === '' || isPlaintextAllowed || isNatsTls(urls, caFile)) return null;
  const far = natsHosts(urls).find((host) => !isLoopback(host));
  if (far === undefined) return null;
  return `would reach NATS at ${far} without TLS: write tls:// for nats:// (NATS_CA_FILE names a CA of your own), ${allowIt}`;
}

/** One URL of `tls://` among several, or a CA file, and none of them is reached without TLS. */
export function isNatsTls(urls: string, caFile: string): boolean {
  return caFile !== '' || urls.split(',').some((url) => url.trim().startsWith('tls://'));
}

/** Host names and addresses of a list of NATS URLs. */
export function natsHosts(urls: string): string[] {
  return urls.split(',').map((url) => {
    const text = url.trim();
    return URL.parse(text.includes('://') ? text : `nats://${text}`)?.hostname.replace(/^\[|\]$/g, '') ?? text;
  });
}

function isLoopback(host: string): boolean {
  const address = host.replace(/^\[|\]$/g, '');
  return address === 'localhost' || address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}
