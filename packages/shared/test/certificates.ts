import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Certificates {
  caFile: string;
  certFile: string;
  keyFile: string;
}

/** A certification authority of its own in a folder, and a server's certificate for these names (`DNS:localhost,IP:127.0.0.1`), made by openssl. */
export function makeCertificates(folder: string, name: string, names = 'DNS:localhost,IP:127.0.0.1'): Certificates {
  const path = (file: string): string => join(folder, `${name}-${file}`);
  const openssl = (...args: string[]): Buffer => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...newKey, '-keyout', path('ca.key'), '-out', path('ca.pem'), '-days', '2', '-subj', `/CN=CA of ${name}`);
  openssl('req', ...newKey, '-keyout', path('server.key'), '-out', path('server.csr'), '-subj', `/CN=${name}`);
  writeFileSync(path('server.ext'), `subjectAltName=${names}\n`);
  const ca = ['-CA', path('ca.pem'), '-CAkey', path('ca.key'), '-CAcreateserial'];
  openssl('x509', '-req', '-in', path('server.csr'), ...ca, '-out', path('server.pem'), '-days', '2', '-extfile', path('server.ext'));
  return { caFile: path('ca.pem'), certFile: path('server.pem'), keyFile: path('server.key') };
}
