import { readFile } from 'node:fs/promises';
import type { StackUnderTest } from '../stack-under-test.ts';

/** What services may grow by while a fault lasts, each: buffers and compiled code, but nothing that gathers. */
export const growthMaxBytes = 32 * 1024 * 1024;

/** Of each process of the stack, the bytes that it holds in memory. */
export async function memoryOf(stack: StackUnderTest): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const [name, pid] of await stack.processes()) {
    const kilobytes = /VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
    found.set(name, Number(kilobytes) * 1024);
  }
  return found;
}
