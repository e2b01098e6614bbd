import { log } from '@signalbox/shared/telemetry/log.js';
import pg from 'pg';
import { setTimeout as sleep } from 'node:timers/promises';
import { workerData } from 'node:worker_threads';
import type { CulpritData } from './culprit.ts';

// Run as a thread by `Culprit`.

const lookMs = 100;
/** A run that is handled for so many looks in a row is written down: most are over before the next. */
const looksMin = 2;
/** After so many, 30 s, the process is ended: its shards are another's by then, and whoever watches it starts a new one. */
const looksMax = 300;

const { turn, uuid: bytes, url, owner } = workerData as CulpritData;
const uuid = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
let client: pg.Client | undefined;

async function query(text: string, run: string): Promise<void> {
  if (client === undefined) {
    const opened = new pg.Client({
      connectionString: url,
      application_name: 'execution-culprit',
      connectionTimeoutMillis: 2_000,
      query_timeout: 2_000,
    });
    opened.on('error', () => (client = undefined));
    await opened.connect();
    client = opened;
  }
  await client.query(text, [run, owner]);
}

/** Until it is done, or is not wanted any more. */
async function insist(text: string, run: string, isWanted: () => boolean): Promise<boolean> {
  for (; isWanted(); await sleep(lookMs)) {
    try {
      await query(text, run);
      return true;
    } catch (err) {
      log.warn('which run is being handled was not written down: it is tried again', { err, run });
      client?.end().catch(() => undefined);
      client = undefined;
    }
  }
  return false;
}

let seen = 0;
let looks = 0;
for (;;) {
  await sleep(lookMs);
  const current = Atomics.load(turn, 0);
  looks = current === seen ? looks + 1 : 1;
  seen = current;
  if ((current & 1) === 0 || looks < looksMin) continue;
  const run = uuid.toString('latin1');
  // By looks and not by the clock: a process that stood still as a whole did not hang.
  const isHanging = (): boolean => {
    if (Atomics.load(turn, 0) !== current) return false;
    if (++looks < looksMax) return true;
    log.error('the owner of runs hangs while it handles one, and is ended', { run });
    process.kill(process.pid, 'SIGKILL');
    return false;
  };
  if (!isHanging()) continue;
  const isWritten = await insist(`INSERT INTO run_crash (run_id, owner) VALUES ($1, $2) ON CONFLICT DO NOTHING`, run, isHanging);
  while (isHanging()) await sleep(lookMs);
  if (isWritten) await insist(`DELETE FROM run_crash WHERE run_id = $1 AND owner = $2`, run, () => true);
}
