// `npm run drill:execution [-- --minutes N --seed S]`: random workflows on three owners and four workers while these are killed and stopped, PostgreSQL
// and NATS restarted, and clocks shifted; every run is held against what it must have come to.
// `npm run drill:recovery`: five agents of four instances each under load, while these are killed, hung, made slow and made to answer garbage; each fault
// is timed until its instance is isolated, its tasks are with others, and it is back.
// Each ends with one line of JSON.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { environment, prepare, root, run, script } from './prepare.mjs';

await script(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { minutes: { type: 'string', default: '20' }, seed: { type: 'string' } },
  });
  const [drill = 'execution'] = positionals;
  const { minutes, seed = String(1 + Math.floor(Math.random() * 1_000_000)) } = values;
  if (!(Number(minutes) > 0) || !/^\d+$/.test(seed)) throw new Error('Say it as --minutes 20 --seed 7.');
  await prepare();
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-drill-'));
  try {
    const report = join(folder, 'report.json');
    const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
    const { code } = await run(
      'node',
      ['--experimental-vm-modules', jest, '--config', join(root, 'e2e', 'jest.config.mjs'), '--runInBand', `drill/${drill}`],
      {
        env: { ...environment(), SIGNALBOX_CASES: 'drill', DRILL_MINUTES: minutes, DRILL_SEED: seed, DRILL_REPORT: report },
      },
    );
    if (existsSync(report)) console.log(readFileSync(report, 'utf8'));
    return code;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
