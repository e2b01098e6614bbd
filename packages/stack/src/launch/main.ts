import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { layoutOf } from '../data-folder/layout.ts';
import { isDataFolder } from '../data-folder/open.ts';
import { StackFault } from '../stack-fault.ts';
import { launchOptions, usage, type LaunchOptions } from './options.ts';
import { Report } from './report.ts';
import { Stack } from './stack.ts';

const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** All of `npm start` once everything is built: runs until a signal comes. Returns the exit code. */
export async function main(root: string, args: readonly string[]): Promise<number> {
  const report = new Report();
  if (args.includes('--help')) {
    report.line(usage);
    return 0;
  }
  const { promise: asked, resolve: askToStop } = Promise.withResolvers<string>();
  let stack: Stack | null = null;
  let signals = 0;
  const onSignal = (signal: string): void => {
    if (++signals > 2) process.exit(130); // who asks a third time wants no order
    askToStop(signal);
    void stack?.stop().catch(() => undefined);
  };
  for (const signal of stopSignals) process.on(signal, onSignal);
  process.once('disconnect', () => onSignal('disconnect')); // the starter was killed
  try {
    const options = launchOptions(root, args, process.env);
    if (options.isFresh) await confirmFresh(options);
    const { version } = JSON.parse(await readFile(`${root}/package.json`, 'utf8')) as { version: string };
    stack = new Stack(options, version, report);
    try {
      await stack.start();
      report.line();
      report.line(`Signalbox is ready at ${stack.url}`);
      await asked;
      report.line('Stopping…');
    } finally {
      await stack.stop();
    }
    report.line('Signalbox has stopped.');
    return 0;
  } catch (error) {
    if (signals > 0) {
      report.line('Signalbox has stopped.');
      return 0;
    }
    if (!(error instanceof StackFault)) throw error;
    process.stderr.write(`\nSignalbox cannot start. ${error.detail}\n${error.next}\n`);
    return 1;
  }
}

/** Nobody's data goes without a word: asks on a terminal, and needs `--yes` elsewhere. */
async function confirmFresh({ data, isYes }: LaunchOptions): Promise<void> {
  if (isYes || !(await isDataFolder(data))) return;
  if (!process.stdin.isTTY) {
    throw new StackFault(
      `--fresh would delete all data in ${layoutOf(data).root}, and there is nobody to ask.`,
      'Add --yes if that is meant.',
    );
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`Delete all data in ${data}? Type yes: `);
  terminal.close();
  if (answer.trim() !== 'yes') throw new StackFault('Nothing was deleted.', 'Start without --fresh to keep the data.');
}
