/** A stream that the command line writes to. */
export interface OutStream {
  write(text: string): unknown;
  isTTY?: boolean | undefined;
  columns?: number | undefined;
  rows?: number | undefined;
}

/** The world as a command sees it; tests bring their own. */
export interface Io {
  stdout: OutStream;
  stderr: OutStream;
  env: Record<string, string | undefined>;
  cwd: string;
  now: () => number;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
  /** All of standard input. */
  readStdin: () => Promise<string>;
  /** Asks on the terminal; absent where there is none. */
  ask?: ((question: string) => Promise<string>) | undefined;
  /** Likewise, without showing what is typed. */
  askHidden?: ((question: string) => Promise<string>) | undefined;
}
