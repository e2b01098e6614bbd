import type { Failure as FailureView, FailureCode } from '@signalbox/shared/contracts/execution/failure.js';
import { faultStatus } from '@signalbox/shared/errors/fault.js';
import type { Failure } from '../core/events.ts';

/** A failure as it is shown. */
export function failureView({ code, detail, next, retryAfterMs }: Failure): FailureView {
  return {
    code: code === 'rejected' || Object.hasOwn(faultStatus, code) ? (code as FailureCode) : 'internal',
    detail: detail.slice(0, 8_192),
    ...(next !== undefined && { next: next.slice(0, 2_048) }),
    ...(retryAfterMs !== undefined && { retryAfterMs: Math.round(retryAfterMs) }),
  };
}
