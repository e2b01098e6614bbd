import type { Failure as FailureView } from '@signalbox/shared/contracts/execution/failure.js';
import { faultStatus, type FaultCode } from '@signalbox/shared/errors/fault.js';
import type { Failure } from '../core/events.ts';

/** A failure as it is shown. */
export function failureView({ code, detail, next, retryAfterMs }: Failure): FailureView {
  return {
    code: Object.hasOwn(faultStatus, code) ? (code as FaultCode) : 'internal',
    detail: detail.slice(0, 8_192),
    ...(next !== undefined && { next: next.slice(0, 2_048) }),
    ...(retryAfterMs !== undefined && { retryAfterMs: Math.round(retryAfterMs) }),
  };
}
