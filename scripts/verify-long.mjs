// `npm run verify:long [-- security|faults]`: the cases of both specifications with what is too long for CI (100 kills of the engine's owner in place
// of 10; an older version beside this one), and what happened in each as docs/verification.md. SIGNALBOX_OLD_COMMIT names the older version.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { environment, prepare, root, run, script, seconds, Stop } from './prepare.mjs';

const seeds = 100;
/** How far back the older version lies, if it is not named. */
const oldMax = 150;
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
      const env = {
        ...environment(),
        SIGNALBOX_CASES_REPORT: report,
        SIGNALBOX_SEEDS: String(seeds),
        ...(suite === 'faults' && { SIGNALBOX_OLD_VERSION: await oldVersion(folder) }),
      };
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

/** A clone of an older version, installed and built. */
async function oldVersion(folder) {
  const clone = join(folder, 'old');
  const commit = process.env.SIGNALBOX_OLD_COMMIT || (await oldestCompatible());
  await git('clone', '--quiet', '--local', '--no-checkout', root, clone);
  await git('-C', clone, 'checkout', '--quiet', commit);
  console.log(`The older version: ${await git('-C', clone, 'log', '-1', '--format=%h of %cs, %s')}`);
  const { code } = await run('node', [join(clone, 'scripts', 'start.mjs'), '--help'], { env: environment() }); // installs and builds
  if (code !== 0) throw new Stop('The older version cannot be built.', 'Name another one: SIGNALBOX_OLD_COMMIT=COMMIT npm run verify:long');
  return clone;
}

/** The oldest commit, of the last ones, of which no migration was changed since: others were added. */
async function oldestCompatible() {
  const commits = (await git('rev-list', '--first-parent', `--max-count=${oldMax}`, 'HEAD~1')).split('\n').reverse();
  for (const commit of commits) {
    if ((await git('diff', '--name-only', '--diff-filter=a', commit, 'HEAD', '--', ':(glob)apps/*/src/migrations/**')) === '')
      return commit;
  }
  throw new Stop('There is no older version.', 'Clone the whole history.');
}

async function git(...args) {
  const { code, output } = await run('git', args, { isQuiet: true });
  if (code !== 0) throw new Stop(`git ${args.join(' ')} failed: ${output.trim()}`, 'Run this in a clone of the repository.');
  return output.trim();
}

async function head() {
  const commit = await git('rev-parse', '--short', 'HEAD');
  const { output: node } = await run('node', ['-p', 'process.versions.node'], { isQuiet: true, env: environment() });
  const [{ model }] = cpus();
  return `# Verification

What happened when every case was tried on the whole stack, all of its services as processes of their own, on real PostgreSQL and NATS. Written by
\`npm run verify:long\`; CI runs the same cases but F23, with 10 kills in F01.

Commit ${commit}, ${new Date().toISOString().slice(0, 10)}; ${cpus().length} × ${model}, ${Math.round(totalmem() / 1024 ** 3)} GB; Node ${node.trim()};
F01 with ${seeds} kills.
`;
}
