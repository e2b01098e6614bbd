/** The error codes of Signalbox (`code` of a problem document). Newer servers may send others. */
export type ErrorCode =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'limited'
  | 'unavailable'
  | 'timeout'
  | 'cancelled'
  | 'internal'
  | (string & {});

/** One fault of an input: `pointer` is a JSON pointer into the body; what was sent as text has line and column too, from 1. */
export interface InputFault {
  pointer: string;
  detail: string;
  line?: number;
  column?: number;
}

/** An RFC 9457 problem document as Signalbox sends it. */
export interface Problem {
  type?: string;
  title?: string;
  status?: number;
  detail?: string;
  code?: string;
  next?: string;
  errors?: InputFault[];
}

/** The server answered, and the answer is a refusal. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly code: ErrorCode;
  /** What the server says to do next, where it does. */
  readonly next: string | undefined;
  readonly errors: InputFault[];
  /** How long the server asks callers to wait, milliseconds. */
  readonly retryAfterMs: number | undefined;
  readonly problem: Problem;

  constructor(status: number, problem: Problem, retryAfterMs?: number) {
    super(problem.detail ?? problem.title ?? `the server answered ${status}`);
    this.status = status;
    this.code = problem.code ?? codeOfStatus(status);
    this.next = problem.next;
    this.errors = Array.isArray(problem.errors) ? problem.errors : [];
    this.retryAfterMs = retryAfterMs;
    this.problem = problem;
  }
}

/** No usable answer came: nothing listens, the connection broke, the answer was not of Signalbox, or it took too long. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  readonly code: 'unreachable' | 'timeout' | 'unreadable';
  readonly url: string;

  constructor(code: ConnectionError['code'], url: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
    this.url = url;
  }
}

/** Builds the error of a failed response; a body that is no problem document still gives a typed error. */
export async function errorOf(response: Response, now = Date.now()): Promise<ApiError> {
  const text = await response.text().catch(() => '');
  let problem: Problem = {};
  try {
    const body: unknown = JSON.parse(text);
    if (body !== null && typeof body === 'object') problem = body;
  } catch {
    // A proxy's HTML page, or nothing: the status says enough.
    problem = { title: `${response.status} ${response.statusText}`.trim() };
  }
  return new ApiError(response.status, problem, retryAfterMs(response.headers.get('retry-after'), now));
}

/** `Retry-After` in milliseconds: it holds seconds or a date (RFC 9110, 10.2.3). */
export function retryAfterMs(header: string | null, now: number): number | undefined {
  if (header === null || header.trim() === '') return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

function codeOfStatus(status: number): ErrorCode {
  switch (status) {
    case 400:
    case 413:
    case 415:
    case 422:
      return 'invalid';
    case 401:
      return 'unauthenticated';
    case 403:
      return 'forbidden';
    case 404:
      return 'not_found';
    case 409:
    case 412:
    case 428:
      return 'conflict';
    case 429:
      return 'limited';
    case 502:
    case 503:
      return 'unavailable';
    case 504:
      return 'timeout';
    default:
      return 'internal';
  }
}
