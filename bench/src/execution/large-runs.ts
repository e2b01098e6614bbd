import { readFile } from 'node:fs/promises';
import { measured, type BenchOptions, type Measurement } from '../measurement.ts';
import type { Engine } from './engine.ts';

/** A workflow has at most 500 steps: this run has ten, each done in turns. */
const chained = 10;
const sampleMs = 100;

/** The largest runs: how long they take, what their owner's process grows to, and what the journal keeps of a step. */
export async function largeRuns(engine: Engine, { rounds, isSmoke }: BenchOptions): Promise<Measurement[]> {
  const steps = isSmoke ? 200 : 10_000;
  const count = steps.toLocaleString('en');
  const kinds = [
    { name: `${count} steps one after another`, play: () => engine.turns(chained, steps / chained) },
    { name: `a map of ${count} and its join`, play: () => engine.fan(steps) },
  ];
  const rows: Measurement[] = [];
  for (const { name, play } of kinds) {
    const seen: { s: number[]; mib: number[]; bytes: number[] } = { s: [], mib: [], bytes: [] };
    for (let round = 0; round < rounds; round++) {
      const before = await journalBytes(engine);
      const memory = new PeakMemory(engine.owner);
      const from = performance.now();
      await play();
      seen.s.push((performance.now() - from) / 1_000);
      seen.mib.push(await memory.peak());
      seen.bytes.push(((await journalBytes(engine)) - before) / steps);
    }
    rows.push(
      measured({ bench: 'execution', what: `${name}, in one run`, unit: 's' }, seen.s),
      measured({ bench: 'execution', what: `${name}: the owner's memory at most, PSS`, unit: 'MiB' }, seen.mib),
      measured({ bench: 'execution', what: `${name}: journal, a step`, unit: 'bytes' }, seen.bytes),
    );
  }
  return rows;
}

/** Of all rows, as they are kept: without indexes and free space in pages. */
async function journalBytes({ database }: Engine): Promise<number> {
  const [row] = await database.sql<{ bytes: string }>('SELECT coalesce(sum(pg_column_size(journal.*)), 0) AS bytes FROM journal');
  return Number(row?.bytes);
}

/** The most memory (PSS, MiB) of a process from now on. */
class PeakMemory {
  private most = 0;
  private isEnded = false;
  private readonly sampled: Promise<void>;

  constructor(private readonly pid: number) {
    this.sampled = this.sample();
  }

  async peak(): Promise<number> {
    this.isEnded = true;
    await this.sampled;
    return this.most;
  }

  private async sample(): Promise<void> {
    do {
      const text = await readFile(`/proc/${this.pid}/smaps_rollup`, 'utf8');
      this.most = Math.max(this.most, Number(/^Pss:\s+(\d+) kB$/m.exec(text)?.[1]) / 1_024);
      await new Promise((resolve) => setTimeout(resolve, sampleMs));
    } while (!this.isEnded);
  }
}
