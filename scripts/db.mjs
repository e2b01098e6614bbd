// `npm run db:migrate [-- --plan]`, `npm run db:rollback -- SERVICE`. Backups are of the command line: `signalbox backup`, `signalbox restore`.
import { join } from 'node:path';
import { handOver } from './hand-over.mjs';
import { prepare, root, script } from './prepare.mjs';

await script(async () => {
  await prepare();
  return handOver(join(root, 'packages', 'stack', 'dist', 'launch', 'database-commands.js'), process.argv.slice(2));
});
