import { availableParallelism, cpus, totalmem } from 'node:os';
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { Bench, Measurement } from './measurement.ts';

/** Loaded when asked for: a bench's own start-up is nobody else's noise. */
const benches: Record<string, () => Promise<Bench>> = {
  bus: async () => (await import('./bus/bus.bench.ts')).busBench,
};

/** A ratio to its floor this much worse than the recorded one fails a smoke run. */
const worseMax = 1.5;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    json: { type: 'string' },
    smoke: { type: 'boolean', default: false },
    against: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
const names = positionals.length > 0 ? positionals : Object.keys(benches);
const unknown = names.filter((name) => !(name in benches));
if (unknown.length > 0) {
  console.error(`There is no bench ${unknown.join(', ')}. There are: ${Object.keys(benches).join(', ')}.`);
  process.exit(2);
}

const rows: Measurement[] = [];
for (const name of names) {
  const bench = await benches[name]!();
  console.log(`bench ${name} …`);
  rows.push(...(await bench.run({ rounds: Number(options.rounds), isSmoke: options.smoke })));
}
const machine = `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`;
console.log(`\n${machine}\n`);
console.log(table(rows));
if (options.json) await writeFile(options.json, `${JSON.stringify(rows, null, 2)}\n`);
if (options.write) {
  await writeFile('docs/benchmarks.json', `${JSON.stringify(rows, null, 2)}\n`);
  await writeFile('docs/benchmarks.md', document(rows));
}
const failed = options.against
  ? await regressions(options.against)
  : rows.filter(({ met }) => met === false).map(({ what }) => `${what}: goal not met`);
for (const sentence of failed) console.log(`✗ ${sentence}`);
process.exitCode = failed.length > 0 && (options.against !== undefined || !options.smoke) ? 1 : 0;

async function regressions(file: string): Promise<string[]> {
  const recorded = JSON.parse(await readFile(file, 'utf8')) as Measurement[];
  return rows.flatMap((row) => {
    const before = recorded.find(({ bench, what }) => bench === row.bench && what === row.what);
    if (!before) return [];
    const ratio = (from: Measurement): number => from.value / (from.floor ?? from.goal ?? from.value);
    const worse = ratio(row) / ratio(before);
    return worse > worseMax ? [`${row.bench}: ${row.what} is ${worse.toFixed(2)} x what was recorded, against its floor`] : [];
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

function document(all: Measurement[]): string {
  return [
    '# Benchmarks',
    '',
    '`npm run bench` measures what is below; `npm run bench -- NAME`, `--rounds N` and `--json FILE` narrow and keep it. Each figure is the median of the rounds;',
    'a floor is the same work with nothing of ours in it, visited in turn with ours in the same run. Absolute figures are of one machine: compare ratios.',
    '',
    `Measured on ${machine}, ${new Date().toISOString().slice(0, 10)}, ${options.rounds} rounds.`,
    '',
    table(all),
    '',
  ].join('\n');
}

function figure(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(3);
}
