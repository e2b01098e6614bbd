import type { Io, OutStream } from './io.ts';
import { cleanText, safeJson } from './text/clean.ts';
import { join, Styled } from './text/styled.ts';
import type { Text } from './text/styled.ts';

/** Where a command says what it has to say. */
export class Out {
  readonly isJson: boolean;
  /** The terminal can be drawn on. */
  readonly isLive: boolean;
  readonly columns: number;
  readonly rows: number;
  readonly #io: Io;
  readonly #colours: boolean;
  readonly #errorColours: boolean;

  constructor(io: Io, options: { json: boolean; color: boolean }) {
    this.#io = io;
    this.isJson = options.json;
    const isDumb = io.env['TERM'] === 'dumb';
    this.isLive = io.stdout.isTTY === true && !isDumb && !options.json;
    this.columns = io.stdout.columns ?? (io.stdout.isTTY === true ? 80 : Number.MAX_SAFE_INTEGER);
    this.rows = io.stdout.rows ?? 24;
    this.#colours = options.color && colours(io, io.stdout) && !options.json;
    this.#errorColours = options.color && colours(io, io.stderr) && !options.json;
  }

  /** Lines for people; nothing under `--json`. */
  lines(...lines: readonly Text[]): void {
    if (this.isJson) return;
    this.#io.stdout.write(lines.map((one) => `${this.render(one).trimEnd()}\n`).join(''));
  }

  /** The document of `--json`: one, indented. */
  json(value: unknown): void {
    if (this.isJson) this.#io.stdout.write(`${safeJson(value, 2)}\n`);
  }

  /** One line of a stream of JSON documents (`--json` with `--follow`). */
  jsonLine(value: unknown): void {
    if (this.isJson) this.#io.stdout.write(`${safeJson(value)}\n`);
  }

  /** A text of several lines from elsewhere: cleaned on a terminal, as it is into a pipe or file. */
  document(text: string): void {
    const shown = this.#io.stdout.isTTY === true ? cleanText(text) : text;
    this.#io.stdout.write(shown.endsWith('\n') || shown === '' ? shown : `${shown}\n`);
  }

  /** For people, beside the result: goes to standard error, so that pipes stay clean. */
  note(...lines: readonly Text[]): void {
    this.#io.stderr.write(lines.map((one) => `${join([one]).render(this.#errorColours).trimEnd()}\n`).join(''));
  }

  /** Our own cursor movements, on a terminal only. */
  control(sequence: string): void {
    this.#io.stdout.write(sequence);
  }

  render(one: Text): string {
    return (one instanceof Styled ? one : join([one])).render(this.#colours);
  }
}

/** https://no-color.org and the FORCE_COLOR that build servers set. */
function colours(io: Io, stream: OutStream): boolean {
  if ((io.env['NO_COLOR'] ?? '') !== '') return false;
  const force = io.env['FORCE_COLOR'];
  if (force !== undefined && force !== '') return force !== '0' && force !== 'false';
  return stream.isTTY === true && io.env['TERM'] !== 'dumb';
}
