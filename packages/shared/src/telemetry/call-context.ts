import { AsyncLocalStorage } from 'node:async_hooks';
import type { CallLife } from '../bus/call-life.ts';
import { pooledBytes } from '../ids/random-bytes.ts';
import type { SpanRef } from './tracing.ts';

/** What belongs to the call being served: it follows every further call that is made for it. */
export interface CallContext {
  /** W3C Trace Context `traceparent` of this hop. */
  traceparent: string;
  /** Until when somebody waits; absent for what nobody asked for. */
  life?: CallLife;
  /** It is made for a call that is mirrored to a version which is rolled out: it must change nothing. */
  isMirror?: boolean;
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

/** The `traceparent` of a new span: below `parent` if that is well-formed, else the first of a new trace, which nobody records. */
export function childTraceparent(parent?: string): string {
  return below(parent, '00');
}

/** As `childTraceparent`, for what comes from outside or goes there: a new trace is recorded. */
export function entryTraceparent(parent?: string): string {
  return below(parent, '01');
}

function below(parent: string | undefined, flags: string): string {
  const match = parent === undefined ? null : traceparentPattern.exec(parent);
  return `00-${match?.[1] ?? pooledBytes(16).toString('hex')}-${pooledBytes(8).toString('hex')}-${match?.[2] ?? flags}`;
}

/** The span that a `traceparent` names, if that is well-formed and its trace is recorded. */
export function recordedSpan(traceparent: string | undefined): SpanRef | undefined {
  const match = traceparent === undefined ? null : traceparentPattern.exec(traceparent);
  if (match === null || (Number.parseInt(match[2] as string, 16) & 1) === 0) return undefined;
  return { trace: match[1] as string, id: (traceparent as string).slice(36, 52) };
}

/** The `traceparent` of what is done below a recorded span. */
export function traceparentOf({ trace, id }: SpanRef): string {
  return `00-${trace}-${id}-01`;
}
