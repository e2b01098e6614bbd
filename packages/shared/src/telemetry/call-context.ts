import { AsyncLocalStorage } from 'node:async_hooks';
import { randomFillSync } from 'node:crypto';
import type { CallLife } from '../bus/call-life.ts';

/** What belongs to the call being served: it follows every further call that is made for it. */
export interface CallContext {
  /** W3C Trace Context `traceparent` of this hop. */
  traceparent: string;
  /** Until when somebody waits; absent for what nobody asked for. */
  life?: CallLife;
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

/** Random bytes taken from the system many at a time: one call for each span would cost more than all else of it. */
const pool = Buffer.allocUnsafe(24 * 256);
let poolAt = pool.length;

function randomHex(bytes: number): string {
  if (poolAt + bytes > pool.length) {
    randomFillSync(pool);
    poolAt = 0;
  }
  return pool.toString('hex', poolAt, (poolAt += bytes));
}

/** The `traceparent` of a new span: below `parent` if that is well-formed, else the first of a new trace. */
export function childTraceparent(parent?: string): string {
  const match = parent === undefined ? null : traceparentPattern.exec(parent);
  return `00-${match?.[1] ?? randomHex(16)}-${randomHex(8)}-${match?.[2] ?? '01'}`;
}
