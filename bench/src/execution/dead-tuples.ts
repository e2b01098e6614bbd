import { Client } from 'pg';
import { measured, type BenchOptions, type Measurement } from '../measurement.ts';
import type { Engine } from './engine.ts';

const stepsOfRun = 10;
const atOnce = 100;

/** What is left to vacuum when so many steps have ended, and how long that takes. */
export async function deadTuples(engine: Engine, { isSmoke, isLarge }: BenchOptions): Promise<Measurement[]> {
  const steps = isLarge ? 1_000_000 : isSmoke ? 500 : 50_000;
  await vacuum(engine);
  let left = steps / stepsOfRun;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (left-- > 0) await engine.seq(stepsOfRun);
    }),
  );
  const from = performance.now();
  const dead = await vacuum(engine);
  const seconds = (performance.now() - from) / 1_000;
  const ofRuns = dead.get('run') ?? 0;
  const others = [...dead].filter(([table, count]) => table !== 'run' && count > 0);
  console.log(`dead tuples: ${ofRuns} of run; ${others.map(([table, count]) => `${count} of ${table}`).join(', ') || 'none else'}`);
  const after = `after ${steps.toLocaleString('en')} steps`;
  const sum = others.reduce((all, [, count]) => all + count, 0);
  return [
    measured({ bench: 'execution', what: `dead tuples of runs, a run, ${after}`, unit: '' }, [(ofRuns * stepsOfRun) / steps]),
    measured({ bench: 'execution', what: `dead tuples of all else, a step, ${after}`, unit: '' }, [sum / steps]),
    measured({ bench: 'execution', what: `vacuum of everything ${after}`, unit: 's' }, [seconds]),
  ];
}

/** Vacuums every table of the service, and nobody but the next call does from then on. Returns the dead tuples that were in each. */
async function vacuum({ database }: Engine): Promise<Map<string, number>> {
  const tables = await database.sql<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'execution'::regnamespace AND relkind = 'r' ORDER BY 1`,
  );
  const client = new Client({ connectionString: database.url('owner') });
  const dead = new Map<string, number>();
  await client.connect();
  try {
    for (const { name } of tables) {
      const table = `execution.${client.escapeIdentifier(name)}`;
      let removed = 0;
      const hear = ({ message = '' }: { message?: string | undefined }): void => {
        const found = /^tuples: (\d+) removed, \d+ remain, (\d+) are dead/m.exec(message);
        if (found) removed += Number(found[1]) + Number(found[2]);
      };
      client.on('notice', hear);
      await client.query(`ALTER TABLE ${table} SET (autovacuum_enabled = false)`);
      await client.query(`VACUUM (VERBOSE, PROCESS_TOAST false) ${table}`);
      client.off('notice', hear);
      dead.set(name, removed);
    }
  } finally {
    await client.end();
  }
  return dead;
}
