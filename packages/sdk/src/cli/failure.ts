import { CommanderError } from 'commander';
import { ApiError, ConnectionError } from '../client/api-error.ts';
import type { InputFault } from '../client/api-error.ts';
import { exitCode } from './exit-codes.ts';
import type { ExitCode } from './exit-codes.ts';

/** One wrong place, and the file that it stands in where that is known. */
export interface PlacedFault extends InputFault {
  file?: string;
}

/** Ends a command with a sentence, what to do next, and an exit code. */
export class CliFailure extends Error {
  override readonly name = 'CliFailure';
  readonly exit: ExitCode;
  readonly next: string | undefined;
  readonly errors: readonly PlacedFault[];

  constructor(exit: ExitCode, message: string, next?: string, options: { cause?: unknown; errors?: readonly PlacedFault[] } = {}) {
    super(message, { cause: options.cause });
    this.exit = exit;
    this.next = next;
    this.errors = options.errors ?? [];
  }
}

/** Where a fault stands, `review.yaml:3:5` or else its pointer, and what is wrong there. */
export function wordsOf({ file, line, column, pointer, detail }: PlacedFault): { place: string; text: string } {
  if (line === undefined) return { place: pointer || '/', text: detail };
  const place = file === undefined ? `line ${line}, column ${column ?? 1}` : `${file}:${line}:${column ?? 1}`;
  return { place, text: pointer === '' ? detail : `${pointer}: ${detail}` };
}

/** A failure as it is told. */
export interface Told {
  exit: ExitCode;
  code: string;
  message: string;
  next?: string;
  errors: readonly PlacedFault[];
}

/** Puts any thrown value into words. */
export function tell(error: unknown): Told {
  if (error instanceof CliFailure) {
    const { exit, message, next, errors } = error;
    return { exit, code: codeOf(exit), message, ...(next && { next }), errors };
  }
  if (error instanceof ApiError) {
    // The service's advice is for people with an HTTP client in hand; ours is for this program.
    const next = error.code === 'unauthenticated' ? nextOf(error.code) : (error.next ?? nextOf(error.code));
    return { exit: exitOf(error.code), code: error.code, message: error.message, ...(next && { next }), errors: error.errors };
  }
  if (error instanceof ConnectionError) {
    const next =
      error.code === 'unreadable'
        ? 'Check SIGNALBOX_URL.'
        : 'Is it running? Start it with npm start, or set SIGNALBOX_URL to where it listens.';
    return {
      exit: error.code === 'timeout' ? exitCode.timeout : exitCode.unreachable,
      code: error.code,
      message: error.message,
      next,
      errors: [],
    };
  }
  if (error instanceof CommanderError) return { exit: exitCode.usage, code: 'usage', message: error.message, errors: [] };
  if ((error as { name?: unknown } | null)?.name === 'AbortError')
    return { exit: exitCode.interrupted, code: 'interrupted', message: 'interrupted', errors: [] };
  const message = error instanceof Error ? error.message : String(error);
  return { exit: exitCode.failed, code: 'internal', message, next: 'This is a fault of signalbox itself: please report it.', errors: [] };
}

/** The exit code of an error code of the API. */
export function exitOf(code: string): ExitCode {
  switch (code) {
    case 'invalid':
      return exitCode.usage;
    case 'unauthenticated':
    case 'forbidden':
      return exitCode.forbidden;
    case 'not_found':
      return exitCode.notFound;
    case 'conflict':
      return exitCode.conflict;
    case 'limited':
      return exitCode.limited;
    case 'unavailable':
      return exitCode.unreachable;
    case 'timeout':
      return exitCode.timeout;
    default:
      return exitCode.failed;
  }
}

function codeOf(exit: ExitCode): string {
  return Object.entries(exitCode).find(([, value]) => value === exit)?.[0] ?? 'failed';
}

function nextOf(code: string): string | undefined {
  if (code === 'unauthenticated') return 'Set SIGNALBOX_API_KEY to a key of this Signalbox.';
  if (code === 'forbidden') return 'Use a key with a role that may do this; signalbox whoami shows yours.';
  return undefined;
}
