// `npm run verify:long [-- security|faults]`: the cases of both specifications with what is too long for CI (100 kills of the engine's owner in place
// of 10), and what happened in each as docs/verification.md.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { environment, prepare, root, run, script, seconds } from './prepare.mjs';

const seeds = 100;
const titles = { security: 'Attacks', faults: 'Faults' };

await script(async () => {
  await prepare();
  const suites = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(titles);
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-verification-'));
  const parts = [];
  let worst = 0;
  try {
    for (const suite of suites) {
      const since = performance.now();
      const report = join(folder, `${suite}.md`);
      const env = { ...environment(), SIGNALBOX_CASES_REPORT: report, SIGNALBOX_SEEDS: String(seeds) };
      const { code } = await run('node', [join(root, 'scripts', 'e2e.mjs'), suite], { env });
      worst = Math.max(worst, code);
      parts.push(`## ${titles[suite]}\n\nAll cases together took ${seconds(since)}.\n\n${readFileSync(report, 'utf8')}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const file = join(root, 'docs', 'verification.md');
  writeFileSync(file, [await head(), ...parts].join('\n'));
  await run('prettier', ['--write', file], { isQuiet: true });
  return worst;
});

async function head() {
  const { output: commit } = await run('git', ['rev-parse', '--short', 'HEAD'], { isQuiet: true });
  const { output: node } = await run('node', ['-p', 'process.versions.node'], { isQuiet: true, env: environment() });
  const [{ model }] = cpus();
  return `# Verification

What happened when every case was tried on the whole stack, all of its services as processes of their own, on real PostgreSQL and NATS. Written by
\`npm run verify:long\`; CI runs the same cases, with 10 kills in F01.

Commit ${commit.trim()}, ${new Date().toISOString().slice(0, 10)}; ${cpus().length} × ${model}, ${Math.round(totalmem() / 1024 ** 3)} GB; Node ${node.trim()};
F01 with ${seeds} kills.
`;
}
