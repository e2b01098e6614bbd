/** What scripts can rely on; documented in `docs/cli.md`. */
export const exitCode = {
  ok: 0,
  /** The run, the tool or the operation failed. */
  failed: 1,
  /** The command line or an input is wrong. */
  usage: 2,
  /** Signalbox, or a service that the command needs, cannot be reached. */
  unreachable: 3,
  /** The key is missing, wrong, or may not do this. */
  forbidden: 4,
  notFound: 5,
  conflict: 6,
  /** Over a limit: rate, size, budget. */
  limited: 7,
  timeout: 8,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];
