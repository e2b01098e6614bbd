import OpenAI from 'openai';
import { Fault, type FaultCode } from '@signalbox/shared/errors/fault.js';
import { withoutSecrets } from '@signalbox/shared/secrets/live-secrets.js';
import { retryAfterMsOf } from '../retry-after.ts';

const detailMax = 1_000;
const codes: Record<number, FaultCode> = {
  401: 'forbidden',
  403: 'forbidden',
  404: 'not_found',
  408: 'timeout',
  409: 'conflict',
  429: 'limited',
  504: 'timeout',
};

/** What the client of a provider threw, as a fault without any key in it. The signal's reason when the task was aborted. */
export function modelFault(thrown: unknown, model: string, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  for (let cause: unknown = thrown, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth++) {
    if (cause instanceof Fault) return cause;
  }
  if (thrown instanceof OpenAI.APIConnectionTimeoutError)
    return new Fault('timeout', `the provider of ${model} did not answer in time`, 'Try again.', { cause: thrown });
  if (thrown instanceof OpenAI.APIError && thrown.status !== undefined) {
    const { status, headers, message } = thrown as { status: number; headers?: Headers; message: string };
    const retryAfterMs = headers && retryAfterMsOf(headers);
    return new Fault(
      codes[status] ?? (status >= 500 ? 'unavailable' : 'invalid'),
      `the provider of ${model} answered ${withoutKeys(withoutSecrets(message))}`.slice(0, detailMax),
      status === 401 || status === 403 ? "Check the provider's key." : 'Look at the provider, or at what it was sent.',
      { ...(retryAfterMs !== undefined && { retryAfterMs }) },
    );
  }
  if (thrown instanceof OpenAI.APIError || thrown instanceof SyntaxError) {
    return new Fault(
      'unavailable',
      `the provider of ${model} broke off, or answered with what nobody understands`,
      'Try again; look at the provider if it stays so.',
      { cause: thrown },
    );
  }
  return thrown;
}

/** Providers repeat keys in their messages, in part or whole. */
function withoutKeys(message: string): string {
  return message.replace(/\b(?:sk|sbx|key)[-_][\w*.-]{4,}/gi, '[redacted]');
}
