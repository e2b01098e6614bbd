// Goes on in the Node that the services run on: in this process if it is that one, else in a child that gets all signals.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { pathToFileURL } from 'node:url';
import { environment, isServiceNode, nodeBinary, root } from './prepare.mjs';

/** Calls `main(root, args)` of a built module; resolves with its exit code. */
export async function handOver(module, args) {
  if (isServiceNode()) {
    Object.assign(process.env, environment());
    const { main } = await import(pathToFileURL(module).href);
    return main(root, args);
  }
  const child = spawn(nodeBinary(), [new URL('./hand-over.mjs', import.meta.url).pathname, module, ...args], {
    cwd: process.cwd(),
    env: environment(),
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  // The terminal sends Ctrl-C to both; a signal for this process alone is passed on.
  process.on('SIGINT', () => undefined);
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => {
    child.on('error', (error) => {
      process.stderr.write(`\n${nodeBinary()} cannot be run: ${error.message}\nRun \`npx pnpm install\` and start again.\n`);
      resolve(1);
    });
    child.on('close', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const [module, ...args] = process.argv.slice(2);
  const { main } = await import(pathToFileURL(module).href);
  process.exitCode = await main(root, args);
  if (process.connected) process.disconnect();
}
