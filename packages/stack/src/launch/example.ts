import { spawn } from 'node:child_process';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { ended } from '../processes.ts';
import type { Report } from './report.ts';

/** The example of the main job, and its workflow. */
const exampleName = 'repository-report';

export interface ExampleFacts {
  root: string;
  url: string;
  key: string;
  report: Report;
  signal: AbortSignal;
}

/** Loads the example and runs its workflow once, each step shown as it happens. False when something of it failed: the stack stays up. */
export async function runExample({ root, url, key, report, signal }: ExampleFacts): Promise<boolean> {
  const cli = join(root, 'packages', 'sdk', 'bin', 'signalbox.mjs');
  const folder = join(root, 'examples', exampleName);
  for (const path of [cli, folder]) {
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (!isThere) {
      report.line(`  The example is not loaded: ${path} is missing.`);
      return false;
    }
  }
  const run = async (...args: string[]): Promise<boolean> => {
    const child = spawn(process.execPath, [cli, ...args], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      signal,
      env: { ...process.env, SIGNALBOX_URL: url, SIGNALBOX_API_KEY: key },
    });
    child.on('error', () => undefined); // seen as an exit without a code
    return (await ended(child)).code === 0;
  };
  report.line();
  report.line(`The example ${exampleName}: four agents write a report about this repository.`);
  const isDone =
    (await run('apply', '-f', `examples/${exampleName}`, '--yes')) &&
    (await run('deploy', exampleName, '--yes', '--follow')) &&
    (await run('run', exampleName, '--follow'));
  if (!isDone && !signal.aborted) {
    report.line(`  The example did not end well. Signalbox runs on; try again by: npx signalbox run ${exampleName} --follow`);
  }
  return isDone;
}
