import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Context } from './context.ts';
import { exitCode } from './exit-codes.ts';
import { CliFailure } from './failure.ts';
import { cloneRoot, dataFolders } from './find-stack.ts';

/** Where and for whom an operation works: `packages/stack/src/operate/operations.ts` says what the fields mean. */
interface Place {
  root: string;
  data: string;
  environment: Record<string, string | undefined>;
  say: (sentence: string) => void;
}

/** What works on the servers themselves and not through the gateway. */
export interface Operations {
  initDatabase(place: Place, print?: (sql: string) => void): Promise<void>;
  initNats(place: Place, folder: string): Promise<void>;
  backup(place: Place, file?: string): Promise<void>;
  restore(place: Place, file: string, masterKey?: string): Promise<void>;
}

/**
 * Runs one of them. They are of the package that starts Signalbox, which needs much that a client does not: it is loaded from the clone that this
 * program is of, and nobody who imports the SDK gets it.
 */
export async function operate(context: Context, run: (operations: Operations, place: Place) => Promise<void>): Promise<void> {
  const file = join(cloneRoot, 'packages', 'stack', 'dist', 'operate', 'operations.js');
  if ((await stat(file).catch(() => null)) === null) {
    throw new CliFailure(
      exitCode.usage,
      'this command works on the servers themselves, and this program is not in a clone of Signalbox that is built',
      'Run it in the clone, after npm start or npm test; with images, by the setup image: see infra/README.md.',
    );
  }
  const operations = (await import(pathToFileURL(file).href)) as Operations;
  try {
    await run(operations, {
      root: cloneRoot,
      data: await dataFolder(context),
      environment: context.io.env,
      say: (sentence) => context.out.note(sentence),
    });
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'StackFault') throw error;
    const { detail, next } = error as Error & { detail: string; next: string };
    throw new CliFailure(exitCode.failed, detail, next, { cause: error });
  }
}

/** The given data folder, else the first that is one, else the clone's own. */
async function dataFolder(context: Context): Promise<string> {
  const folders = dataFolders(context.io, context.data);
  for (const folder of folders) if ((await stat(join(folder, 'version.json')).catch(() => null)) !== null) return folder;
  return folders.at(-1)!;
}
