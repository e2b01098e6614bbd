import { spawn } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ensureTestRoles } from './test-postgres.ts';

/** Names the PostgreSQL that a whole test run shares: the superuser's URL. */
export const sharedPostgresVariable = 'SIGNALBOX_TEST_POSTGRES';

const startTimeoutMs = 60_000;

let shared: Promise<string> | null = null;

/**
 * The superuser's URL of the PostgreSQL that tests share: the run's own where `npm test` started one, else one for this process, which ends with
 * it.
 */
export function sharedPostgres(): Promise<string> {
  return (shared ??= findOrStart());
}

async function findOrStart(): Promise<string> {
  const given = process.env[sharedPostgresVariable];
  const url = given ?? (await startBeside());
  await ensureTestRoles(url);
  return url;
}

/** Each test file has modules of its own, but one process runs them all: the server is known by the process's id. */
async function startBeside(): Promise<string> {
  const folder = join(tmpdir(), `signalbox-test-${process.pid}`);
  const made = await mkdir(folder, { mode: 0o755 }).then(
    () => true,
    () => false,
  );
  let exit: number | null = null;
  let said = '';
  if (made) {
    const guard = spawn(
      process.execPath,
      [fileURLToPath(new URL('../dist/postgres-guard.js', import.meta.url)), String(process.pid), folder],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
        detached: true,
        env: { PATH: process.env.PATH, TMPDIR: tmpdir() },
      },
    );
    guard.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    guard.on('exit', (code) => (exit = code));
    guard.unref();
    (guard.stderr as unknown as { unref(): void }).unref();
  }
  for (const end = performance.now() + startTimeoutMs; performance.now() < end; await sleep(20)) {
    const url = await readFile(join(folder, 'url'), 'utf8').catch(() => '');
    if (url.startsWith('postgres://')) return url;
    if (exit !== null) throw new Error(`PostgreSQL for the tests ended with ${exit}: ${said}`);
  }
  throw new Error(`PostgreSQL for the tests did not start: ${said}`);
}
