// `npm start`: everything from a fresh clone to a running Signalbox. See docs/quick-start.md.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { handOver } from './hand-over.mjs';
import { prepare, root, script } from './prepare.mjs';

await script(async () => {
  const args = process.argv.slice(2);
  console.log('Signalbox starts.');
  // Since Node 22.8 compiled code can be kept: the second start is faster.
  createRequire(import.meta.url)('node:module').enableCompileCache?.(join(root, 'node_modules', '.cache', 'compile'));
  await prepare();
  return handOver(join(root, 'packages', 'stack', 'dist', 'launch', 'main.js'), args);
});
