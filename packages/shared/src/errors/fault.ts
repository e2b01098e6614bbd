/** The one error taxonomy, with the HTTP status that each has at the edge (RFC 9457). */
export const faultStatus = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  limited: 429,
  cancelled: 499,
  internal: 500,
  unavailable: 503,
  timeout: 504,
} as const;

export type FaultCode = keyof typeof faultStatus;

/** One wrong place in an input: `pointer` is a JSON Pointer (RFC 6901) into it; what came as text has line and column too, from 1. */
export interface FaultDetail {
  pointer: string;
  detail: string;
  line?: number;
  column?: number;
}

export interface FaultOptions {
  cause?: unknown;
  errors?: FaultDetail[];
  /** When it is worth trying again, in milliseconds from now. */
  retryAfterMs?: number;
  /** The service that could not answer, for `unavailable` and `timeout`. */
  service?: string;
  /** A status that is closer than the code's own, as 412 or 413. */
  status?: number;
}

/** What crosses the bus and the edge of a fault. */
export interface FaultData {
  code: FaultCode;
  detail: string;
  next: string;
  errors?: FaultDetail[];
  retryAfterMs?: number;
  service?: string;
  status?: number;
}

/** What we expect to go wrong: `detail` says what happened, `next` what to do. All else that is thrown is our bug. */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: FaultCode;
  readonly detail: string;
  readonly next: string;
  readonly errors: FaultDetail[] | undefined;
  readonly retryAfterMs: number | undefined;
  readonly service: string | undefined;
  readonly status: number;

  constructor(code: FaultCode, detail: string, next: string, options: FaultOptions = {}) {
    super(`${code}: ${detail}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = detail;
    this.next = next;
    this.errors = options.errors;
    this.retryAfterMs = options.retryAfterMs;
    this.service = options.service;
    this.status = options.status ?? faultStatus[code];
  }

  /** The fault as plain data, without its cause and stack. */
  toData(): FaultData {
    return {
      code: this.code,
      detail: this.detail,
      next: this.next,
      ...(this.errors && { errors: this.errors }),
      ...(this.retryAfterMs !== undefined && { retryAfterMs: this.retryAfterMs }),
      ...(this.service !== undefined && { service: this.service }),
      ...(this.status !== faultStatus[this.code] && { status: this.status }),
    };
  }

  static fromData(data: FaultData): Fault {
    if (!(data.code in faultStatus)) return new Fault('internal', 'a service answered with an error of no known kind', 'Report this.');
    const { code, detail, next, ...options } = data;
    return new Fault(code, detail, next, options);
  }

  /** Any thrown value as a fault: ours as it is, all else as `internal`, which says nothing of its cause. */
  static from(thrown: unknown): Fault {
    if (thrown instanceof Fault) return thrown;
    return new Fault('internal', 'something went wrong inside Signalbox', 'Try again; if it stays, look into the log of the service.', {
      cause: thrown,
    });
  }
}

/** Whether something was away or too busy: what failed by it is worth trying again, and says nothing of the request itself. */
export function isOutage(thrown: unknown): boolean {
  return thrown instanceof Fault && (thrown.code === 'unavailable' || thrown.code === 'timeout' || thrown.code === 'limited');
}
