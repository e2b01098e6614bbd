import { readFileSync } from 'node:fs';

/** Hard limits of this process, by their name in `/proc/self/limits` (proc(5)); absent where there are none. */
export function hardLimits(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, name, hard] = /^(Max [a-z ]+?) {2,}\S+ +(\d+)/.exec(line) ?? [];
    if (name !== undefined) found.set(name, Number(hard));
  }
  return found;
}

let own: Map<string, number> | null = null;

/** No child can be given more than we have: what is wanted, or that. */
export function atMostOwn(name: string, wanted: number): number {
  own ??= hardLimits(readFileSync('/proc/self/limits', 'utf8'));
  return Math.min(wanted, own.get(name) ?? wanted);
}
