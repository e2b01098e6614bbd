import { execFile } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { bubblewrapArguments, namespaceArguments } from './arguments.ts';
import type { ContainmentLevel } from './levels.ts';

const run = promisify(execFile);

/** Programs of the host that contain others, by absolute path; absent where missing or not working here. */
export interface ContainmentTools {
  bwrap?: string;
  unshare?: string;
  setpriv?: string;
  prlimit?: string;
}

/** Where a host's own programs are: never looked for along a PATH that somebody gave. */
const toolPath = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin'].join(delimiter);
const probeTimeoutMs = 5_000;

/** The absolute path of a program, found as `execvp` does; null when there is none that can be executed. */
export function findProgram(name: string, path: string, cwd: string): string | null {
  if (name.includes('/'))
    return isExecutable(isAbsolute(name) ? name : join(cwd, name)) ? (isAbsolute(name) ? name : join(cwd, name)) : null;
  for (const folder of path.split(delimiter)) {
    if (!isAbsolute(folder)) continue; // a relative entry would find what lies in a folder of others
    const candidate = join(folder, name);
    if (isExecutable(candidate)) return candidate;
  }
  return null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Tries each tool as it will be used: being installed proves nothing where namespaces may not be made. */
export async function probeTools(): Promise<ContainmentTools> {
  if (process.platform !== 'linux') return {};
  const tools: ContainmentTools = {};
  const works = async (tool: keyof ContainmentTools, args: string[]): Promise<void> => {
    const path = findProgram(tool, toolPath, '/');
    if (!path) return;
    await run(path, args, { timeout: probeTimeoutMs, env: { PATH: toolPath } }).then(
      () => (tools[tool] = path),
      () => undefined,
    );
  };
  const program = findProgram('true', toolPath, '/') ?? '/bin/true';
  await Promise.all([
    works('bwrap', [...bubblewrapArguments({ readable: [], writable: [], hidden: [], network: false, cwd: '/tmp' }), program]),
    works('unshare', [...namespaceArguments(), program]),
    works('setpriv', ['--no-new-privs', '--pdeathsig', 'KILL', program]),
    works('prlimit', ['--core=0', program]),
  ]);
  return tools;
}

/** The strongest level that these tools reach. */
export function levelOf({ bwrap, unshare, setpriv, prlimit }: ContainmentTools): ContainmentLevel {
  if (!setpriv || !prlimit) return 'none';
  return bwrap ? 'strong' : unshare ? 'medium' : 'basic';
}

let probed: Promise<ContainmentTools> | null = null;

/** The tools of this host, tried once. */
export function hostTools(): Promise<ContainmentTools> {
  return (probed ??= probeTools());
}
