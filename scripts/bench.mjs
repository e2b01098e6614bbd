// `npm run bench [-- NAME…] [--rounds N] [--json FILE] [--smoke] [--large] [--against FILE] [--write]`: see docs/benchmarks.md.
import { join } from 'node:path';
import { handOver } from './hand-over.mjs';
import { prepare, root, script } from './prepare.mjs';

await script(async () => {
  await prepare();
  return handOver(join(root, 'bench', 'dist', 'main.js'), process.argv.slice(2));
});
