import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface ProcessEntry {
  pid: number;
  parent: number;
  group: number;
  session: number;
  /** Resident memory in bytes. */
  memory: number;
  /** The name of the program, at most 15 characters on Linux. */
  name: string;
  isZombie: boolean;
}

/** Linux's page size on x64 and on nearly every arm64 kernel; where it is larger, memory is told too small. */
const pageBytes = 4_096;

/** Every process that can be seen. */
export async function listProcesses(): Promise<ProcessEntry[]> {
  return process.platform === 'linux' ? fromProc() : await listByPs();
}

/** Read synchronously: asynchronous reads of a few hundred tiny files cost ten times the processor time. */
function fromProc(): ProcessEntry[] {
  const entries: ProcessEntry[] = [];
  for (const folder of readdirSync('/proc')) {
    if (!/^\d+$/.test(folder)) continue;
    const entry = parseStat(readOrEmpty(`/proc/${folder}/stat`));
    if (entry) entries.push(entry);
  }
  return entries;
}

/** proc(5), `/proc/pid/stat`: the name stands in parentheses and may itself hold some. */
function parseStat(text: string): ProcessEntry | null {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return null;
  const fields = text.slice(close + 2).split(' ');
  return {
    pid: Number(text.slice(0, open - 1)),
    name: text.slice(open + 1, close),
    isZombie: fields[0] === 'Z' || fields[0] === 'X',
    parent: Number(fields[1]),
    group: Number(fields[2]),
    session: Number(fields[3]),
    memory: Number(fields[21]) * pageBytes,
  };
}

/** As ps(1) tells it, on every Unix; sessions are not told. */
export async function listByPs(): Promise<ProcessEntry[]> {
  const { stdout } = await run('ps', ['-axo', 'pid=,ppid=,pgid=,rss=,state=,comm='], { maxBuffer: 16 * 1024 * 1024 });
  return stdout.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line);
    if (!match) return [];
    const [, pid, parent, group, kibibytes, state, name] = match;
    return [
      {
        pid: Number(pid),
        parent: Number(parent),
        group: Number(group),
        session: 0,
        memory: Number(kibibytes) * 1_024,
        name: name!,
        isZombie: state!.startsWith('Z'),
      },
    ];
  });
}

/** The living processes below `pid`, itself left out, and all others of its process group and session. */
export function treeOf(pid: number, processes: readonly ProcessEntry[]): ProcessEntry[] {
  const below = new Set<number>([pid]);
  const living = processes.filter((entry) => !entry.isZombie);
  for (let grew = true; grew;) {
    grew = false;
    for (const entry of living) {
      const belongs = below.has(entry.parent) || entry.group === pid || entry.session === pid;
      if (belongs && !below.has(entry.pid)) {
        below.add(entry.pid);
        grew = true;
      }
    }
  }
  below.delete(pid);
  return living.filter((entry) => below.has(entry.pid));
}

/** Living processes whose environment holds `marker`: found wherever a double fork has taken them. Linux only; else none. */
export function markedProcesses(marker: string): number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((folder) => /^\d+$/.test(folder) && Number(folder) !== process.pid)
    .filter((folder) => readOrEmpty(`/proc/${folder}/environ`).split('\0').includes(marker))
    .map(Number);
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // gone meanwhile, or another user's
  }
}

/** Sends a signal; whether there was somebody to get it. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false; // gone, or no longer ours
  }
}

/** Whether a process, or any of a group by its negative id, is there. A group of zombies is there too. */
export function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
}
