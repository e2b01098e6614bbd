import { SupervisorError } from '../child-spec.ts';
import { bubblewrapArguments, namespaceArguments } from './arguments.ts';
import { isAtLeast, weaker, type ContainmentLevel } from './levels.ts';
import { atMostOwn } from './own-limits.ts';
import { levelOf, type ContainmentTools } from './tools.ts';

export interface ChildLimits {
  /** Private memory of one process, and resident memory of the whole tree. */
  memoryMaxBytes: number;
  /** Processes in the tree; a tree that has more is killed. */
  processesMax: number;
  openFilesMax: number;
}

/** Generous for a tool server, small for a machine. */
export const limitsDefault: ChildLimits = { memoryMaxBytes: 2 * 1024 ** 3, processesMax: 128, openFilesMax: 4_096 };

export interface ContainmentOptions {
  /** As strong as this where the host can; `strong` if absent. */
  level?: ContainmentLevel;
  /** Not started at all below this. */
  minimum?: ContainmentLevel;
  /** Folders and files that it sees, at `strong`, beside the host's programs. */
  readable?: readonly string[];
  writable?: readonly string[];
  /** Folders that it never sees, at `strong`. */
  hidden?: readonly string[];
  /** Whether it may use the host's network; then the level is at most `medium`. */
  network?: boolean;
  limits?: Partial<ChildLimits>;
}

export interface Contained {
  argv: string[];
  level: ContainmentLevel;
  /** Whether a wrapper stands above the program, in whose process namespace everything dies with it. */
  isNamespaced: boolean;
  limits: ChildLimits | null;
}

/** Processes and threads of one user namespace: the hard stop where the tree's count comes too late. */
const namespaceProcessesMax = 4_096;

/** The command that starts `program` contained, and the level that this reaches. Throws `containment` when that is below the minimum. */
export function contain(
  program: string,
  args: readonly string[],
  cwd: string,
  options: ContainmentOptions | undefined,
  tools: ContainmentTools,
): Contained {
  const wanted = options === undefined ? 'none' : (options.level ?? 'strong');
  const possible = weaker(wanted, levelOf(tools));
  const isOpen = options?.network === true;
  const level = isOpen ? weaker(possible, 'medium') : possible;
  if (!isAtLeast(level, options?.minimum ?? 'none')) {
    throw new SupervisorError(
      'containment',
      `this command can be contained at the level ${level} here, and ${options!.minimum!} is required${isOpen ? ': it asks for the network' : ': install bubblewrap'}`,
    );
  }
  if (options === undefined || possible === 'none') return { argv: [program, ...args], level: 'none', isNamespaced: false, limits: null };

  const limits = { ...limitsDefault, ...options.limits };
  const bare = [program, ...args];
  if (possible === 'strong') {
    const mounts = {
      readable: options.readable ?? [],
      writable: options.writable ?? [],
      hidden: options.hidden ?? [],
      network: isOpen,
      cwd,
    };
    const isRoot = process.getuid?.() === 0;
    const inner = [...rlimits(tools, limits, !isRoot), ...bare];
    return { argv: [...privileges(tools), tools.bwrap!, ...bubblewrapArguments(mounts), ...inner], level, isNamespaced: true, limits };
  }
  if (possible === 'medium') {
    // No new privileges only inside: outside they would keep `unshare` from its mapping on some hosts.
    const inner = [...privileges(tools), ...rlimits(tools, limits, true), ...bare];
    return { argv: [tools.unshare!, ...namespaceArguments(), ...inner], level, isNamespaced: true, limits };
  }
  return { argv: [...privileges(tools), ...rlimits(tools, limits, false), ...bare], level, isNamespaced: false, limits };
}

function privileges(tools: ContainmentTools): string[] {
  return [tools.setpriv!, '--no-new-privs', '--pdeathsig', 'KILL', '--'];
}

function rlimits(tools: ContainmentTools, limits: ChildLimits, isOwnUserNamespace: boolean): string[] {
  return [
    tools.prlimit!,
    '--core=0',
    `--data=${atMostOwn('Max data size', limits.memoryMaxBytes)}`,
    `--nofile=${atMostOwn('Max open files', limits.openFilesMax)}`,
    ...(isOwnUserNamespace ? [`--nproc=${atMostOwn('Max processes', namespaceProcessesMax)}`] : []),
    '--',
  ];
}
