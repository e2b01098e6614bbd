import type { HrTime, SpanContext } from '@opentelemetry/api';
import type { BatchSpanProcessor, ReadableSpan } from '@opentelemetry/sdk-trace';
import type { Resource } from '@opentelemetry/resources';
import { log } from './log.ts';

/** Names a span: both ids are lower-case hex, as in W3C Trace Context. */
export interface SpanRef {
  /** 32 digits. */
  trace: string;
  /** 16 digits. */
  id: string;
}

/** A span that has ended. Times are epoch milliseconds; attributes are names, codes and counts, never content. */
export interface EndedSpan extends SpanRef {
  name: string;
  kind: 'internal' | 'server';
  parent?: string | undefined;
  startMs: number;
  endMs: number;
  attributes: Record<string, string | number | boolean | undefined>;
  /** Spans of other traces that belong to it. */
  links?: readonly SpanRef[];
  /** The code of what went wrong. */
  error?: string | undefined;
}

/** Spans that wait to be sent: more are dropped, which the log says. */
const waitingMax = 8_192;
const sendEveryMs = 1_000;
const sendMaxMs = 5_000;
/** What the exporter complains of is said at most so often. */
const complaintMs = 60_000;

interface Exporter {
  processor: BatchSpanProcessor;
  resource: Resource;
}

let exporter: Exporter | undefined;

/** Whether spans are sent anywhere: else nobody needs to make one. */
export function isTracing(): boolean {
  return exporter !== undefined;
}

/**
 * From now on ended spans are sent to an OpenTelemetry collector by OTLP over HTTP. `headers`: `name=value`, separated by commas, as the variable
 * of that name has them. The exporter is loaded here, so that who has none pays nothing for it.
 */
export async function startTracing(service: string, { endpoint, headers }: { endpoint: string; headers: string }): Promise<void> {
  if (endpoint === '') return;
  const [{ diag, DiagLogLevel }, { BatchSpanProcessor }, { OTLPTraceExporter }, { resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ]);
  let complainedAt = -Infinity;
  const complain = (because: string): void => {
    if (performance.now() - complainedAt < complaintMs) return;
    complainedAt = performance.now();
    log.warn('traces are not exported', { because: because.slice(0, 500) });
  };
  const ignore = (): void => undefined;
  diag.setLogger(
    { error: complain, warn: complain, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  const given = headers.split(',').flatMap((each) => {
    const [name = '', ...value] = each.split('=');
    return name.trim() === '' ? [] : [[name.trim(), value.join('=').trim()]];
  });
  exporter = {
    resource: resourceFromAttributes({ 'service.name': `signalbox-${service}`, 'service.namespace': 'signalbox' }),
    processor: new BatchSpanProcessor({
      exporter: new OTLPTraceExporter({
        url: `${endpoint.replace(/\/+$/, '')}/v1/traces`,
        headers: Object.fromEntries(given) as Record<string, string>,
        timeoutMillis: sendMaxMs,
      }),
      maxQueueSize: waitingMax,
      scheduledDelayMillis: sendEveryMs,
      exportTimeoutMillis: sendMaxMs,
    }),
  };
}

/** Sends what waits, then nothing more. */
export async function stopTracing(): Promise<void> {
  const stopped = exporter;
  exporter = undefined;
  await stopped?.processor.shutdown().catch((err: unknown) => log.debug('the last traces were not sent', { err }));
}

/** Hands a span over to be sent, if spans are. */
export function recordSpan(span: EndedSpan): void {
  exporter?.processor.onEnd(readable(span, exporter.resource));
}

function readable(span: EndedSpan, resource: Resource): ReadableSpan {
  const { name, kind, trace, id, parent, startMs, endMs, attributes, links = [], error } = span;
  const context = contextOf({ trace, id });
  const end = Math.max(startMs, endMs);
  return {
    name,
    // SpanKind and SpanStatusCode are enums of a package that is loaded only when spans are sent.
    kind: kind === 'server' ? 1 : 0,
    spanContext: () => context,
    ...(parent !== undefined && { parentSpanContext: contextOf({ trace, id: parent }) }),
    startTime: timeOf(startMs),
    endTime: timeOf(end),
    duration: timeOf(end - startMs),
    status: { code: error === undefined ? 0 : 2 },
    attributes: { ...attributes, ...(error !== undefined && { 'error.type': error }) },
    links: links.map((link) => ({ context: contextOf(link) })),
    events: [],
    ended: true,
    resource,
    instrumentationScope: { name: 'signalbox' },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

function contextOf({ trace, id }: SpanRef): SpanContext {
  return { traceId: trace, spanId: id, traceFlags: 1 };
}

/** Seconds and nanoseconds. */
function timeOf(ms: number): HrTime {
  return [Math.floor(ms / 1_000), Math.round((ms % 1_000) * 1e6)];
}
