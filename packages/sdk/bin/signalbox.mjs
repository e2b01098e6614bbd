#!/usr/bin/env node
/**
 * The checked-in command `signalbox`: it hands over to the built command line of this package, under a Node that can run it.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const main = join(here, '../dist/cli/main.js');
/** The oldest Node that the built code runs on. */
const nodeMin = 22;

if (!existsSync(main)) {
  process.stderr.write('error: signalbox is not built yet\n  next: run npm start, or npx turbo run build --filter=@signalbox/sdk\n');
  process.exitCode = 2;
} else if (Number(process.versions.node.split('.')[0]) >= nodeMin) {
  const { main: run } = await import(pathToFileURL(main).href);
  process.exitCode = await run(process.argv.slice(2));
} else {
  // An older Node started us: the clone brings its own.
  const node = resolve(here, '../../../node_modules/node/bin/node');
  if (!existsSync(node)) {
    process.stderr.write(
      `error: signalbox needs Node ${nodeMin} or newer, this is ${process.versions.node}\n  next: run npm start once, it brings one\n`,
    );
    process.exitCode = 2;
  } else {
    const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
    child.on('exit', (code, signal) => {
      process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
    });
  }
}
