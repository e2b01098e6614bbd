import { availableParallelism, cpus, totalmem } from 'node:os';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Bench, Measurement } from './measurement.ts';

/** Loaded when asked for: a bench's own start-up is nobody else's noise. */
const benches: Record<string, () => Promise<Bench>> = {
  stack: async () => (await import('./stack/stack.bench.ts')).stackBench,
  bus: async () => (await import('./bus/bus.bench.ts')).busBench,
  execution: async () => (await import('./execution/execution.bench.ts')).executionBench,
  security: async () => (await import('./security/security.bench.ts')).securityBench,
  registry: async () => (await import('./registry/registry.bench.ts')).registryBench,
};

/** A ratio to its floor this much worse than the recorded one fails a smoke run. */
const worseMax = 1.5;

interface Options {
  rounds: string;
  json?: string;
  smoke: boolean;
  large: boolean;
  against?: string;
  write: boolean;
}

/**
 * All of `npm run bench`; returns the exit code. `--write` has all that was measured as docs/benchmarks.md, or, of a smoke run, as docs/benchmarks.json, which later
 * smoke runs are compared with. With `--against FILE` only a ratio that got much worse fails, else every goal that is not met.
 */
export async function main(root: string, args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '3' },
      json: { type: 'string' },
      smoke: { type: 'boolean', default: false },
      large: { type: 'boolean', default: false },
      against: { type: 'string' },
      write: { type: 'boolean', default: false },
    },
  });
  const options: Options = values;
  const names = positionals.length > 0 ? positionals : Object.keys(benches);
  const unknown = names.filter((name) => !(name in benches));
  if (unknown.length > 0) {
    console.error(`There is no bench ${unknown.join(', ')}. There are: ${Object.keys(benches).join(', ')}.`);
    return 2;
  }
  const recorded = options.against ? (JSON.parse(await readFile(options.against, 'utf8')) as Measurement[]) : null;
  const rows: Measurement[] = [];
  for (const name of names) {
    const measure = async (): Promise<Measurement[]> => {
      console.log(`bench ${name} …`);
      const bench = await benches[name]!();
      return bench.run({ rounds: Number(options.rounds), isSmoke: options.smoke, isLarge: options.large });
    };
    let found = await measure();
    const worse = recorded ? regressions(recorded, found) : [];
    if (worse.length > 0) {
      console.log(`${table(found)}\n\n${worse.join('\n')}: measured once more`);
      found = await measure();
    }
    rows.push(...found);
  }
  console.log(`\n${machine}\n\n${table(rows)}`);
  const json = `${JSON.stringify(rows, null, 2)}\n`;
  if (options.json) await writeFile(options.json, json);
  if (options.write) {
    const [file, text] = options.smoke ? ['benchmarks.json', json] : ['benchmarks.md', document(rows, options.rounds)];
    await writeFile(join(root, 'docs', file), text);
  }
  const faults = recorded ? regressions(recorded, rows) : missed(rows);
  for (const sentence of faults) console.log(`✗ ${sentence}`);
  return faults.length > 0 ? 1 : 0;
}

const machine = `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`;

function missed(rows: Measurement[]): string[] {
  return rows.filter(({ met }) => met === false).map(({ bench, what }) => `${bench}: ${what}: the goal is not met`);
}

/** What got worse in every round: whatever else a machine does only adds, so the best round is compared with the recorded median. */
function regressions(recorded: Measurement[], rows: Measurement[]): string[] {
  const standardOf = ({ floor, goal, value }: Measurement): number => floor ?? goal ?? value;
  return rows.flatMap((row) => {
    const before = recorded.find(({ bench, what }) => bench === row.bench && what === row.what);
    const worse = before ? row.min / standardOf(row) / (before.value / standardOf(before)) : 1;
    // What meets its goal is good enough, and without floor and goal a figure is of this machine alone.
    const counts = row.met !== true && (row.floor !== null || row.met === false);
    return counts && worse > worseMax ? [`${row.bench}: ${row.what} is ${worse.toFixed(2)} x what was recorded, against its floor`] : [];
  });
}

function table(all: Measurement[]): string {
  const lines = all.map(({ bench, what, unit, value, min, max, floor, goal, met }) =>
    [
      bench,
      what,
      `${figure(value)} ${unit} (${figure(min)}–${figure(max)})`,
      floor === null ? '–' : figure(floor),
      floor === null ? '–' : `${(value / floor).toFixed(2)} x`,
      goal === null ? '–' : figure(goal),
      met === null ? '–' : met ? 'yes' : 'no',
    ].join(' | '),
  );
  return ['bench | what | median (min–max) | floor | to floor | goal | met', '--- | --- | --- | --- | --- | --- | ---', ...lines]
    .map((line) => `| ${line} |`)
    .join('\n');
}

function document(all: Measurement[], rounds: string): string {
  return [
    '# Benchmarks',
    '',
    '`npm run bench` measures what is below; `npm run bench -- NAME`, `--rounds N` and `--json FILE` narrow and keep it; `--large` has a million runs and steps where it says how many. Each figure is the median of the rounds;',
    'a floor is the same work with nothing of ours in it, visited in turn with ours in the same run. Absolute figures are of one machine: compare ratios. Other engines beside ours: [comparison](comparison.md).',
    '',
    `Measured on ${machine}, ${new Date().toISOString().slice(0, 10)}, ${rounds} rounds.`,
    '',
    table(all),
    '',
  ].join('\n');
}

function figure(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(3);
}
