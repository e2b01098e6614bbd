import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below what systems give to outgoing connections (from 32768 on Linux): a port taken from there may be gone before it is listened on. */
const first = 10_240;
const last = 32_000;
const triesMax = 100;

/** A TCP port on loopback that nobody listens on now. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (let tries = 0; tries < triesMax; tries++) {
    const port = randomInt(first, last);
    if (await isPortFree(port, host)) return port;
  }
  throw new Error(`none of ${triesMax} ports between ${first} and ${last} is free`);
}

/** Whether somebody could listen on this port now. */
export function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false)).listen(port, host, () => server.close(() => resolve(true)));
  });
}
