// Runs the launcher on another root, as scripts/start.mjs does on the clone: node run-main.mjs ROOT ARGS…
import { enableCompileCache } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

enableCompileCache(join(tmpdir(), 'signalbox-test-compile'));
const { main } = await import(new URL('../dist/launch/main.js', import.meta.url).href);
process.exitCode = await main(process.argv[2], process.argv.slice(3));
if (process.connected) process.disconnect();
