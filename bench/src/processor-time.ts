import { readFile } from 'node:fs/promises';

/** Milliseconds of a tick of /proc (USER_HZ is 100 on Linux). */
const tickMs = 10;

/** Milliseconds of processor time that a process has used so far. */
export async function processorTimeOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * tickMs;
}
