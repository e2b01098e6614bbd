import { existsSync, lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

export interface Mounts {
  /** Folders and files that the child sees, and cannot change. */
  readable: readonly string[];
  writable: readonly string[];
  /** Folders that stay empty for it, even inside one that it sees. */
  hidden: readonly string[];
  network: boolean;
  cwd: string;
}

/** Programs and libraries of the host. */
const systemFolders = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/nix/store'];
/** What programs need of `/etc`: names, certificates, time zone, the loader's cache. No host keys, no passwords, no services' settings. */
const systemFiles = [
  'alternatives',
  'ca-certificates',
  'ca-certificates.conf',
  'group',
  'hosts',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'localtime',
  'mime.types',
  'nsswitch.conf',
  'passwd',
  'pki',
  'protocols',
  'resolv.conf',
  'services',
  'ssl',
  'timezone',
].map((name) => join('/etc', name));
/** In memory, so bounded. */
const temporaryMaxBytes = 256 * 1024 * 1024;

/** bubblewrap(1): everything unshared, an own root that holds only what is named, no capabilities, dead with its parent. */
export function bubblewrapArguments({ readable, writable, hidden, network, cwd }: Mounts): string[] {
  const args = ['--unshare-all', ...(network ? ['--share-net'] : []), '--die-with-parent', '--new-session', '--cap-drop', 'ALL'];
  for (const folder of systemFolders) args.push(...systemMount(folder));
  for (const file of systemFiles) args.push('--ro-bind-try', file, file);
  args.push('--proc', '/proc', '--dev', '/dev', '--size', String(temporaryMaxBytes), '--tmpfs', '/tmp');
  const mounts = new Map<string, '--ro-bind' | '--bind'>();
  for (const path of readable) for (const each of bothPaths(path)) mounts.set(each, '--ro-bind');
  const writablePaths = writable.flatMap(bothPaths);
  // What lies in a folder that may be written may be written, even where a command names it too.
  for (const path of mounts.keys()) if (writablePaths.some((folder) => isWithin(path, folder))) mounts.delete(path);
  for (const path of writablePaths) mounts.set(path, '--bind');
  // The working directory is there in any case, but empty where it was not named.
  if (!isSystem(cwd)) args.push('--dir', cwd);
  // In the order of their depth: what lies inside another must be mounted after it.
  for (const path of [...mounts.keys()].sort()) args.push(mounts.get(path)!, path, path);
  for (const path of hidden) {
    if (![...mounts.keys()].some((mount) => isWithin(path, mount))) continue;
    args.push('--tmpfs', path);
    // Its own folder in there stays the child's.
    for (const folder of writablePaths) if (folder !== path && isWithin(folder, path)) args.push('--bind', folder, folder);
  }
  args.push('--chdir', cwd, '--');
  return args;
}

function systemMount(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return lstatSync(folder).isSymbolicLink() ? ['--symlink', readlinkSync(folder), folder] : ['--ro-bind', folder, folder];
}

/** A path as it was named and as it really is: programs ask for either. */
function bothPaths(path: string): string[] {
  return existsSync(path) ? [...new Set([path, realpathSync(path)])].filter((each) => !isSystem(each)) : [];
}

/** Mounted already, as a whole. */
function isSystem(path: string): boolean {
  return systemFolders.some((folder) => isWithin(path, folder));
}

/** Whether `path` is `folder` or lies below it. Both absolute and normal. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}

/** unshare(1): own processes, mounts, IPC and host name, by a user namespace where we are not root. */
export function namespaceArguments(): string[] {
  const isRoot = process.getuid?.() === 0;
  return [
    ...(isRoot ? [] : ['--user', '--map-current-user']),
    '--pid',
    '--fork',
    '--kill-child=KILL',
    '--mount-proc',
    '--ipc',
    '--uts',
    '--',
  ];
}
