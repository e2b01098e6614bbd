// `npm run check`: what a reviewer's eye should not be spent on: lint with types and security rules, types of tests, formatting, dead code, licences, known holes in dependencies.
import { checkLicences } from './licences.mjs';
import { environment, prepare, run, script } from './prepare.mjs';

const checks = [
  ['lint, types and static security rules', ['turbo', 'run', 'lint', '--concurrency=2', '--output-logs=errors-only']],
  ['types, those of tests included', ['turbo', 'run', 'types', '--concurrency=2', '--output-logs=errors-only']],
  ['formatting', ['prettier', '--check', '--log-level', 'warn', '.']],
  ['dead code and unused dependencies', ['knip']],
];

await script(async () => {
  await prepare();
  let failed = 0;
  for (const [what, [command, ...args]] of checks) {
    const { code } = await run(command, args);
    console.log(`  ${what}: ${code === 0 ? 'clean' : 'see above'}`);
    if (code !== 0) failed++;
  }
  if (!(await checkLicences())) failed++;
  if (!(await audit())) failed++;
  return failed === 0 ? 0 : 1;
});

async function audit() {
  const { code, output } = await run('pnpm', ['audit', '--prod', '--audit-level', 'high'], { isQuiet: true, env: environment() });
  const isOffered = !/ERR_PNPM_AUDIT|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|fetch failed/.test(output);
  if (!isOffered) console.log('  known holes in dependencies: not asked, the package registry here offers no audit');
  else console.log(code === 0 ? '  known holes in dependencies: none' : output);
  return !isOffered || code === 0;
}
