import { spawn } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ended } from '@signalbox/stack/processes.js';
import { sharedPostgresVariable } from './shared-postgres.ts';
import { startTestPostgres } from './test-postgres.ts';

/** Packages tested at once: their servers and processes want a core each. */
const concurrency = 2;

/** All of `npm test` once everything is built; arguments go to turbo (`--filter=@signalbox/context`). Returns the exit code. */
export async function main(root: string, args: readonly string[]): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-test-run-'));
  await chmod(folder, 0o755);
  const signals = ['SIGINT', 'SIGTERM'] as const;
  const ignore = (): void => undefined; // the tests end by the same signal, and then we clean up
  for (const signal of signals) process.on(signal, ignore);
  try {
    const since = performance.now();
    const postgres = await startTestPostgres(folder);
    process.stdout.write(`  PostgreSQL for the tests runs (${((performance.now() - since) / 1000).toFixed(1)} s)\n`);
    try {
      const turbo = join(root, 'node_modules', 'turbo', 'bin', 'turbo');
      const child = spawn(process.execPath, [turbo, 'run', 'test', `--concurrency=${concurrency}`, '--continue', ...args], {
        cwd: root,
        stdio: 'inherit',
        env: { ...process.env, [sharedPostgresVariable]: postgres.url() },
      });
      const { code } = await ended(child);
      return code ?? 1;
    } finally {
      await postgres.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
    for (const signal of signals) process.off(signal, ignore);
  }
}
