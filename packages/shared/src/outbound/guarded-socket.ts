import type { Socket } from 'node:net';
import type { AllowList } from './address.ts';
import { guardedConnector } from './connector.ts';

/**
 * A TCP connection for a protocol that is not HTTP, under the same guard. Rejects with `forbidden` where it leads to an address that is not public, else with the
 * system's error.
 */
export function connectGuarded(host: string, port: number, allowed: AllowList, timeoutMs: number): Promise<Socket> {
  const connect = guardedConnector(allowed, timeoutMs);
  return new Promise((resolve, reject) => {
    connect({ hostname: host, host, port: String(port), protocol: 'http:' }, (error, socket) => {
      if (error) reject(error);
      else resolve(socket);
    });
  });
}
