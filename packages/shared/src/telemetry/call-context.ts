import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';

/** What belongs to the call being served: it follows every further call that is made for it. */
export interface CallContext {
  /** W3C Trace Context `traceparent` of this hop. */
  traceparent: string;
  /** Epoch milliseconds after which nobody waits for the answer. */
  deadline?: number;
  /** Aborted when nobody waits any more. */
  signal?: AbortSignal;
}

const storage = new AsyncLocalStorage<CallContext>();

/** Runs `work` as part of a call. */
export function inCall<T>(context: CallContext, work: () => T): T {
  return storage.run(context, work);
}

/** The call being served, if any. */
export function currentCall(): CallContext | undefined {
  return storage.getStore();
}

const traceparentPattern = /^00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})$/;

/** The `traceparent` of a new span: below `parent` if that is well-formed, else the first of a new trace. */
export function childTraceparent(parent?: string): string {
  const random = randomBytes(24).toString('hex');
  const match = parent === undefined ? null : traceparentPattern.exec(parent);
  return `00-${match?.[1] ?? random.slice(0, 32)}-${random.slice(32)}-${match?.[2] ?? '01'}`;
}
