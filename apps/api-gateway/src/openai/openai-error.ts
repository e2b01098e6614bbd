import { faultStatus, type FaultCode } from '@signalbox/shared/errors/fault.js';

/** The body of every error of the OpenAI API. */
export interface OpenAiError {
  error: { message: string; type: string; param: string | null; code: string | null };
}

const types: Record<FaultCode, string> = {
  invalid: 'invalid_request_error',
  unauthenticated: 'invalid_request_error',
  forbidden: 'invalid_request_error',
  not_found: 'invalid_request_error',
  conflict: 'invalid_request_error',
  limited: 'rate_limit_error',
  cancelled: 'invalid_request_error',
  internal: 'server_error',
  unavailable: 'server_error',
  timeout: 'server_error',
};

/** Codes that clients of the OpenAI API look for; all else carries ours. */
const codes: Partial<Record<FaultCode, string>> = {
  unauthenticated: 'invalid_api_key',
  limited: 'rate_limit_exceeded',
};

/** What our faults and problem documents have in common. */
interface Problem {
  code: FaultCode;
  detail: string;
  next?: string | undefined;
  errors?: { pointer: string; detail: string }[] | undefined;
}

/** A fault, or a problem document, as the OpenAI API says it: `param` is the field that is wrong. */
export function openAiError({ code, detail, next, errors }: Problem): OpenAiError {
  const param = errors?.[0]?.pointer.slice(1).replaceAll('/', '.') || null;
  const known = code === 'not_found' && param === 'model' ? 'model_not_found' : codes[code];
  return {
    error: {
      message: [detail, next].filter(Boolean).join('. ').replace('?.', '?'),
      type: types[code],
      param,
      code: known ?? code,
    },
  };
}

export function isProblem(value: unknown): value is Problem {
  return typeof value === 'object' && value !== null && 'code' in value && 'detail' in value && String(value.code) in faultStatus;
}
