// `npm run sim [-- --schedules N --first SEED | --schedule JSON]`: the engine's core under simulated faults, a million schedules if nothing is said.
import { join } from 'node:path';
import { handOver } from './hand-over.mjs';
import { prepare, root, script } from './prepare.mjs';

await script(async () => {
  await prepare();
  return handOver(join(root, 'packages', 'workflow', 'dist', 'simulation', 'main.js'), process.argv.slice(2));
});
