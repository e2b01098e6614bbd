import { delimiter, dirname } from 'node:path';

/** Variables of ours that a child may know: where programs are, and how text and time are written. No credential has such a name. */
const inherited = ['LANG', 'LC_ALL', 'LC_CTYPE', 'TZ'] as const;

export interface EnvironmentOptions {
  /** Our own environment, of which only the allow-listed part is taken. */
  from: Readonly<Record<string, string | undefined>>;
  /** The child's home and place for caches. */
  home: string;
  /** What was named for this child; wins over the rest. */
  extra?: Readonly<Record<string, string>>;
}

/** The environment of a child that somebody else wrote: empty but for an allow-list and what was named. `node` is the one that runs us. */
export function childEnvironment({ from, home, extra = {} }: EnvironmentOptions): Record<string, string> {
  const path = [dirname(process.execPath), ...(from['PATH'] ?? '/usr/local/bin:/usr/bin:/bin').split(delimiter)];
  const env: Record<string, string> = { PATH: [...new Set(path)].join(delimiter), HOME: home };
  for (const name of inherited) {
    const value = from[name];
    if (value !== undefined) env[name] = value;
  }
  return { ...env, ...extra };
}
