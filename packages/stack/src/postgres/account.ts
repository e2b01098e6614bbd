import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { StackFault } from '../stack-fault.ts';

const run = promisify(execFile);

/** The operating system account that PostgreSQL runs under. */
export interface Account {
  uid: number;
  gid: number;
}

/** Accounts that systems and packages make for PostgreSQL. */
const knownNames = ['postgres', '_postgres'];

/**
 * PostgreSQL refuses to run as root: then it gets an account of its own, made if there is none. Null when this process is not root, so that
 * PostgreSQL runs as we do.
 */
export async function postgresAccount(): Promise<Account | null> {
  if (process.getuid?.() !== 0) return null;
  for (const name of knownNames) {
    const account = await lookUp(name);
    if (account) return account;
  }
  await run('useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', 'postgres']).catch(
    (cause: unknown) => {
      throw new StackFault(
        'PostgreSQL does not run as root, and no account named postgres could be made for it.',
        'Make one (`useradd --system postgres`), or start Signalbox as another user.',
        { cause },
      );
    },
  );
  const made = await lookUp('postgres');
  if (!made) throw new StackFault('The account postgres was made but cannot be found.', 'Start Signalbox as another user than root.');
  return made;
}

async function lookUp(name: string): Promise<Account | null> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return null;
  }
}

/** Whether the account may enter every folder above `path`, by their modes. */
export async function canReach(path: string, account: Account): Promise<boolean> {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const found = await stat(folder).catch(() => null); // what is missing will be made by us, for the account
    if (found) {
      const bit = found.uid === account.uid ? 0o100 : found.gid === account.gid ? 0o010 : 0o001;
      if ((found.mode & bit) === 0) return false;
    }
    if (folder === dirname(folder)) return true;
  }
}
