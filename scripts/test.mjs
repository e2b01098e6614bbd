// `npm test`: installs and builds what is needed, starts one PostgreSQL for the whole run, and runs every package's tests.
import { join } from 'node:path';
import { handOver } from './hand-over.mjs';
import { prepare, root, script } from './prepare.mjs';

await script(async () => {
  await prepare();
  return handOver(join(root, 'packages', 'testkit', 'dist', 'test-run.js'), process.argv.slice(2));
});
