// `npm run e2e [-- PATTERN]`: the whole stack as processes, from the outside: the main job, faults, the browser.
import { join } from 'node:path';
import { environment, prepare, root, run, script } from './prepare.mjs';

await script(async () => {
  await prepare();
  const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  const { code } = await run(
    'node',
    ['--experimental-vm-modules', jest, '--config', join(root, 'e2e', 'jest.config.mjs'), '--runInBand', ...process.argv.slice(2)],
    {
      env: environment(),
    },
  );
  return code;
});
