import type { Command } from 'commander';
import { SignalboxClient } from '../client/client.ts';
import { findTarget } from './find-stack.ts';
import type { Target } from './find-stack.ts';
import type { Io } from './io.ts';
import { Out } from './out.ts';
import { version } from './version.ts';

/** What every command takes. */
export interface GlobalOptions {
  url?: string;
  data?: string;
  json?: boolean;
  color: boolean;
}

/** One invocation of the command line, as its command sees it. */
export class Context {
  readonly io: Io;
  readonly out: Out;
  readonly #options: GlobalOptions;
  #target: Promise<Target> | null = null;

  constructor(io: Io, command: Command) {
    this.io = io;
    this.#options = command.optsWithGlobals<GlobalOptions>();
    this.out = new Out(io, { json: this.#options.json ?? false, color: this.#options.color });
  }

  /** The data folder that was given. */
  get data(): string | undefined {
    return this.#options.data;
  }

  get signal(): AbortSignal {
    return this.io.signal;
  }

  target(): Promise<Target> {
    this.#target ??= findTarget(this.io, this.#options);
    return this.#target;
  }

  async client(options: { retries?: number; timeoutMs?: number } = {}): Promise<SignalboxClient> {
    const { url, apiKey } = await this.target();
    return new SignalboxClient({ url, apiKey, headers: { 'user-agent': `signalbox-cli/${version}` }, ...options });
  }
}

/** Defines a command's action: it gets the context, its arguments and its options. */
export function action<Options, Arguments extends unknown[]>(
  command: Command,
  io: Io,
  run: (context: Context, options: Options, ...args: Arguments) => Promise<void>,
): void {
  command.action(async (...all: unknown[]) => {
    const args = all.slice(0, -2) as Arguments;
    await run(new Context(io, command), command.opts() as Options, ...args);
  });
}
