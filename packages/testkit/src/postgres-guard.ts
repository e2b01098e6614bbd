import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive } from '@signalbox/stack/processes.js';
import { startTestPostgres } from './test-postgres.ts';

/**
 * A process beside a test run: `node postgres-guard.js PID FOLDER` runs a PostgreSQL for the tests of process PID, writes its URL into
 * FOLDER/url, and ends it and removes FOLDER when that process is gone, however it went.
 */
const watchEveryMs = 300;
const [pid, folder] = [Number(process.argv[2]), process.argv[3]!];

const cluster = await startTestPostgres(folder);
let isEnding = false;
async function end(): Promise<void> {
  if (isEnding) return;
  isEnding = true;
  await cluster.stop();
  await rm(folder, { recursive: true, force: true });
  process.exit(0);
}
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void end());
await writeFile(join(folder, 'url'), cluster.url(), { mode: 0o600, flag: 'wx' });
setInterval(() => void isAlive(pid).then((alive) => (alive ? undefined : end())), watchEveryMs);
