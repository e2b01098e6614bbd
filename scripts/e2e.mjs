// The whole stack as processes, from the outside.
//   npm run e2e [-- PATTERN]             the main job, the browser, servers that are there already
//   npm run test:security [-- PATTERN]   the attacks of the specification, with a table of what happened
//   npm run test:faults [-- PATTERN]     the faults likewise
import { join } from 'node:path';
import { environment, prepare, root, run, script } from './prepare.mjs';

await script(async () => {
  await prepare();
  const [suite, ...options] =
    process.argv[2] === 'security' || process.argv[2] === 'faults' ? process.argv.slice(2) : ['', ...process.argv.slice(2)];
  // Many cases wait for what is away: two files at a time. What is kept as a report is measured one after the other.
  const atOnce = suite && !process.env.SIGNALBOX_CASES_REPORT ? 2 : 1;
  const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  const { code } = await run(
    'node',
    ['--experimental-vm-modules', jest, '--config', join(root, 'e2e', 'jest.config.mjs'), `--maxWorkers=${atOnce}`, ...options],
    {
      // Without a pattern every case must have run.
      env: { ...environment(), ...(suite && { SIGNALBOX_CASES: suite, ...(options.length === 0 && { SIGNALBOX_CASES_ALL: 'yes' }) }) },
    },
  );
  return code;
});
