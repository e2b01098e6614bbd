// `npm run coverage`: what `SIGNALBOX_COVERAGE=coverage npm test` and `… npm run e2e` saw of the code of services and packages, their processes included,
// in one figure. Ends with 1 when it is under the threshold.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Report } from 'c8';
import coverage from 'istanbul-lib-coverage';
import { root, script, Stop } from './prepare.mjs';

const thresholdPercent = 90;
const folder = join(root, process.env.SIGNALBOX_COVERAGE || 'coverage');
/** Written in TypeScript of ours, run in Node. The dashboard runs in browsers, where e2e/browser looks at it. */
const counted = /\/(?:apps\/(?!dashboard\/)|packages\/|examples\/)[^/]+\/src\/(?!.*\.test\.ts$).*\.ts$/;

await script(async () => {
  const tested = join(folder, 'jest');
  if (!existsSync(tested)) throw new Stop('There is no coverage yet.', 'Run `SIGNALBOX_COVERAGE=coverage npm test` first.');
  const map = coverage.createCoverageMap();
  for (const name of readdirSync(tested)) map.merge(JSON.parse(readFileSync(join(tested, name, 'coverage-final.json'), 'utf8')));
  const processes = join(folder, 'processes');
  if (existsSync(processes)) map.merge(await ofProcesses(processes));
  map.filter((path) => counted.test(path));
  return print(map);
});

/** What V8 counted in processes, mapped back to the sources by the maps beside the built files. */
function ofProcesses(tempDirectory) {
  const report = new Report({
    tempDirectory,
    include: ['apps/*/dist/**/*.js', 'packages/*/dist/**/*.js', 'examples/*/dist/**/*.js'],
    exclude: ['**/bundle/**'],
    extension: ['.js'],
    excludeAfterRemap: false,
    excludeNodeModules: true,
    reporter: [],
    mergeAsync: true,
    src: [root],
  });
  return report.getCoverageMapFromAllCoverageFiles();
}

function print(map) {
  const groups = new Map();
  const total = coverage.createCoverageSummary();
  for (const path of map.files()) {
    const summary = map.fileCoverageFor(path).toSummary();
    const group = path
      .slice(root.length + 1)
      .split('/')
      .slice(0, 2)
      .join('/');
    if (!groups.has(group)) groups.set(group, coverage.createCoverageSummary());
    groups.get(group).merge(summary);
    total.merge(summary);
    if (process.argv.includes('--files')) row(path.slice(root.length + 1), summary);
  }
  for (const [group, summary] of [...groups].sort()) row(group, summary);
  row('all', total);
  const isEnough = total.lines.pct >= thresholdPercent && total.branches.pct >= thresholdPercent;
  if (!isEnough) console.log(`Coverage is under ${thresholdPercent} %: write the tests that are missing.`);
  return isEnough ? 0 : 1;
}

function row(name, { lines, branches }) {
  console.log(`${name.padEnd(34)} lines ${String(lines.pct).padStart(6)} %  branches ${String(branches.pct).padStart(6)} %`);
}
