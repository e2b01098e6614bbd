import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parse } from 'yaml';
import { exitCode } from './exit-codes.ts';
import { CliFailure } from './failure.ts';
import type { Io } from './io.ts';

/** An input file is small: what is large belongs into an artifact. */
const fileMaxChars = 8 * 1024 * 1024;

/**
 * Reads `--input` values, each `key=value`, a JSON object, `@FILE` (JSON or YAML) or `-` (standard input), and merges them in order.
 * A value is taken as JSON where it is JSON (`n=3`, `list=[1,2]`, `flag=true`), else as text; `key=@FILE` takes a file's text, and
 * `key='"3"'` is the text 3.
 */
export async function readInputs(io: Io, values: readonly string[]): Promise<Record<string, unknown>> {
  const input: Record<string, unknown> = {};
  for (const value of values) Object.assign(input, await readOne(io, value));
  return input;
}

/** Collects an option that may be given several times. */
export function collect(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value];
}

async function readOne(io: Io, value: string): Promise<Record<string, unknown>> {
  if (value === '-') return objectOf(await io.readStdin(), 'the standard input');
  if (value.startsWith('@')) return objectOf(await readText(io, value.slice(1)), value.slice(1));
  if (value.trimStart().startsWith('{')) return objectOf(value, 'the input');
  const [key, rest] = keyValue(value);
  if (rest.startsWith('@')) return { [key]: await readText(io, rest.slice(1)) };
  return { [key]: looseJson(rest) };
}

/** Splits `key=value`. */
export function keyValue(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at <= 0)
    throw new CliFailure(
      exitCode.usage,
      `${text} is neither key=value nor a JSON object`,
      "Give --input name=value, --input '{…}' or --input @FILE.",
    );
  return [text.slice(0, at), text.slice(at + 1)];
}

function looseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

async function readText(io: Io, file: string): Promise<string> {
  try {
    const text = await readFile(resolve(io.cwd, file), 'utf8');
    if (text.length > fileMaxChars) throw new CliFailure(exitCode.limited, `${file} is larger than 8 MiB`, 'Keep it as an artifact.');
    return text;
  } catch (error) {
    if (error instanceof CliFailure) throw error;
    throw new CliFailure(exitCode.usage, `cannot read ${file}: ${(error as Error).message}`, 'Check the path.');
  }
}

function objectOf(text: string, what: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 0 });
  } catch (error) {
    throw new CliFailure(exitCode.usage, `${what} is neither JSON nor YAML: ${(error as Error).message.split('\n')[0]}`, 'Correct it.');
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new CliFailure(exitCode.usage, `${what} is not an object`, 'Give an object: {"name": "value"}.');
  }
  return value as Record<string, unknown>;
}
