import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import type { Pages } from '../../client/pages.ts';
import type { Context } from '../context.ts';
import { dim } from '../text/styled.ts';

/** What every list takes. */
export interface ListOptions {
  q?: string;
  limit: number;
  /** Items that one request asks for. */
  pageSize: number;
}

/** Adds `--q` and `--limit`. */
export function addListOptions(command: Command): Command {
  return command
    .option('--q <words>', 'only what holds these words')
    .option('--limit <n>', 'at most so many', positive, 50)
    .hook('preAction', () => {
      command.setOptionValue('pageSize', Math.min(200, command.getOptionValue('limit') as number));
    });
}

/** Reads the items; says so when there are more. */
export async function listed<T>(context: Context, options: ListOptions, pages: Pages<T>): Promise<T[]> {
  const items = await pages.take(options.limit + 1);
  const shown = items.slice(0, options.limit);
  context.out.json(shown);
  if (items.length > options.limit) context.out.note(dim(`There are more: --limit ${options.limit * 2}`));
  return shown;
}

/** Parses a positive whole number. */
export function positive(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('It must be a positive number.');
  return Number(text);
}

const unitS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;

/** `90s`, `30m`, `12h`, `7d` in seconds. */
export function seconds(given: string): number {
  const [, count, unit] = /^([1-9]\d{0,6})([smhd])$/.exec(given) ?? [];
  if (count === undefined) throw new InvalidArgumentError('Say it as 90s, 30m, 12h or 7d.');
  return Number(count) * unitS[unit as keyof typeof unitS];
}
