import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { recordedRun } from '@signalbox/shared/contracts/execution/list-recorded-runs.js';
import { startDefinition } from '@signalbox/shared/contracts/execution/start-definition.js';
import { forkRun } from '@signalbox/shared/contracts/execution/fork-run.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { ServiceLifecycle } from '@signalbox/shared/service/service-lifecycle.js';
import { entryTraceparent, inCall } from '@signalbox/shared/telemetry/call-context.js';
import { startTracing, stopTracing } from '@signalbox/shared/telemetry/tracing.js';
import { recordKpis, type KpiEntry } from '@signalbox/shared/contracts/registry/record-kpis.js';
import type { ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { TestCollector, type CollectedSpan } from '@signalbox/testkit/test-collector.js';
import { KpiTally } from '../src/telemetry/kpi-tally.ts';
import { RunMetrics } from '../src/telemetry/run-metrics.ts';
import { answerAsProtocol, apply, ended, start, startExecution, TestWorker, until, workflow } from './peers.ts';

let service: ServiceUnderTest;
let collector: TestCollector;
let worker: TestWorker;
let failures = 0;
let release: (() => void) | undefined;
const heard: (string | undefined)[] = [];
const secret = 'input-that-nobody-may-see';

beforeAll(async () => {
  collector = await TestCollector.start();
  service = await startExecution({ echo: { kind: 'worker' }, second: { kind: 'worker' }, slow: { kind: 'http' } });
  await startTracing('execution', { endpoint: `${collector.url}/`, headers: 'x-team=rails' });
  worker = new TestWorker(service, 'echo', ({ input, traceparent }) => {
    heard.push(traceparent);
    if (failures-- > 0) return { error: { code: 'unavailable', detail: secret } };
    return { output: input, usage: { inputTokens: 7, outputTokens: 3, costUsd: 0.5 } };
  });
  await answerAsProtocol(service, async ({ input }) => {
    await new Promise<void>((resolve) => (release = resolve));
    return { output: input };
  });
  const retry = { attempts: 2, backoff: { initialMs: 10 } };
  await apply(service, 'two', {
    a: { agent: 'echo', with: '${{ input }}', retry },
    all: { forEach: '${{ [1, 2] }}', agent: 'echo', needs: ['a'] },
  });
  await apply(service, 'above', { below: { workflow: 'two', with: secret } });
  await apply(service, 'slow', { a: { agent: 'slow' }, b: { value: 1, needs: ['a'] } });
}, 120_000);

beforeEach(() => {
  failures = 0;
  heard.length = 0;
});

afterAll(async () => {
  await stopTracing();
  await worker?.[Symbol.asyncDispose]();
  await service?.[Symbol.asyncDispose]();
  await collector?.[Symbol.asyncDispose]();
});

async function spansOfRun(run: string, count: number): Promise<CollectedSpan[]> {
  return collector.until((span) => span.attributes['signalbox.run.id'] === run && span.service === 'signalbox-execution', count);
}

function named(spans: CollectedSpan[], name: string): CollectedSpan[] {
  return spans.filter((span) => span.name === name);
}

test('a run is one trace from the request that started it, with a span for each step and attempt, and nothing secret in it', async () => {
  failures = 1;
  const traceparent = entryTraceparent();
  const { id } = await inCall({ traceparent }, () => start(service, { workflow: 'two', input: secret }));
  await ended(service, id);
  const spans = await spansOfRun(id, 9);
  const [root] = named(spans, 'invoke_workflow two');
  const [request] = await collector.until((span) => span.name === 'sb.execution.run.start' && span.trace === traceparent.slice(3, 35));
  expect(request?.parent).toBe(traceparent.slice(36, 52));
  expect(root).toMatchObject({ parent: request?.id, trace: request?.trace, isError: false });
  expect(root?.attributes).toMatchObject({
    'gen_ai.operation.name': 'invoke_workflow',
    'gen_ai.workflow.name': 'two',
    'signalbox.outcome': 'succeeded',
    'gen_ai.usage.input_tokens': 21,
    'gen_ai.usage.output_tokens': 9,
    'signalbox.cost.usd': 1.5,
  });
  const [first] = named(spans, 'step a');
  expect(first).toMatchObject({ parent: root?.id, attributes: { 'signalbox.attempts': 2, 'signalbox.outcome': 'succeeded' } });
  const attempts = named(spans, 'invoke_agent echo').filter(({ parent }) => parent === first?.id);
  expect(attempts.map(({ attributes, isError }) => [attributes['signalbox.attempt'], attributes['error.type'], isError])).toEqual([
    [1, 'unavailable', true],
    [2, undefined, false],
  ]);
  expect(attempts[1]?.attributes).toMatchObject({ 'gen_ai.agent.name': 'echo', 'signalbox.instance': worker.instance });
  expect(heard.slice(0, 2)).toEqual(attempts.map(({ trace, id: span }) => `00-${trace}-${span}-01`));
  const items = named(spans, 'step all');
  const [above] = items.filter(({ attributes }) => attributes['signalbox.step.items'] === 2);
  expect(items.filter(({ parent }) => parent === above?.id)).toHaveLength(2);
  for (const { startMs, endMs } of spans) expect(startMs).toBeLessThanOrEqual(endMs);
  expect(new Set(spans.map(({ trace }) => trace)).size).toBe(1);
  expect(JSON.stringify(collector.spans)).not.toContain(secret);
  expect(collector.headers['x-team']).toBe('rails');
});

test('a request whose client records no trace leaves the run a trace of its own, named by the run', async () => {
  const traceparent = entryTraceparent().replace(/01$/, '00');
  const { id } = await inCall({ traceparent }, () => start(service, { workflow: 'two', input: 1 }));
  const [root] = named(await spansOfRun(id, 8), 'invoke_workflow two');
  expect(root).toMatchObject({ trace: toUuid(id, 'run').replaceAll('-', ''), parent: undefined });
});

test('a child run and a fork have traces of their own, linked with what led to them', async () => {
  const { id } = await start(service, { workflow: 'above' });
  const run = await ended(service, id);
  const spans = await spansOfRun(id, 3);
  const [step] = named(spans, 'invoke_workflow two');
  const [child] = await collector.until(({ links }) => links.some((link) => link.id === step?.id));
  expect(child?.name).toBe('invoke_workflow two');
  expect(step?.links).toEqual([{ trace: child?.trace, id: child?.id }]);
  const fork = await service.request(forkRun, { run: id, from: ['below'] });
  const [forked] = named(await spansOfRun(fork.id, 3), 'invoke_workflow above');
  const [root] = named(spans, 'invoke_workflow above');
  expect(forked?.links).toEqual([{ trace: root?.trace, id: root?.id }]);
  expect(run.status).toBe('succeeded');
});

test('a run that outlives its process is one trace', async () => {
  const { id } = await start(service, { workflow: 'slow' });
  await until(service, id, ({ steps }) => steps[0]?.status === 'running');
  await service.stop();
  await service.start();
  release?.();
  await ended(service, id);
  const spans = await spansOfRun(id, 4);
  const [root] = named(spans, 'invoke_workflow slow');
  const [step] = named(spans, 'step a');
  expect(step?.parent).toBe(root?.id);
  expect(named(spans, 'invoke_agent slow')).toMatchObject([{ parent: step?.id, trace: root?.trace }]);
  expect(root?.startMs).toBeLessThanOrEqual(step?.startMs ?? 0);
}, 60_000);

test('metrics tell of runs by workflow', async () => {
  const before = metricsNow();
  failures = 1;
  const { id } = await start(service, { workflow: 'two', input: 1 });
  await ended(service, id);
  const after = metricsNow();
  const grown = (name: string, labels = ''): number =>
    (after.get(`${name}{${key}${labels}}`) ?? 0) - (before.get(`${name}{${key}${labels}}`) ?? 0);
  const key = `workspace="01900000-0000-7000-8000-000000000001",workflow="two"`;
  expect(grown('signalbox_runs_started_total')).toBe(1);
  expect(grown('signalbox_runs_ended_total', ',outcome="succeeded"')).toBe(1);
  expect(grown('signalbox_steps_ended_total', ',outcome="succeeded"')).toBe(3);
  expect(grown('signalbox_step_retries_total')).toBe(1);
  expect(grown('signalbox_tokens_total', ',direction="input"')).toBe(21);
  expect(grown('signalbox_cost_usd_total')).toBe(1.5);
  expect(grown('signalbox_run_duration_seconds_count')).toBe(1);
  expect(grown('signalbox_step_wait_seconds_bucket', ',le="+Inf"')).toBe(4);
});

test('where a run cannot be counted, it alone is let go of: it is loaded again, and goes on as the others do', async () => {
  const metrics = service.app.get(RunMetrics);
  const { committed } = metrics;
  let thrown = 0;
  metrics.committed = (run, transitions) => {
    if (run.facts.labels['uncounted'] !== undefined && thrown++ === 0) throw new Error('it cannot be counted');
    committed.call(metrics, run, transitions);
  };
  try {
    const uncounted = await start(service, { workflow: 'two', input: 1, labels: { uncounted: 'yes' } });
    const other = await start(service, { workflow: 'two', input: 1 });
    expect((await ended(service, other.id)).status).toBe('succeeded');
    expect((await ended(service, uncounted.id)).status).toBe('succeeded');
    expect(thrown).toBeGreaterThan(1);
  } finally {
    metrics.committed = committed;
  }
});

function metricsNow(): Map<string, number> {
  const lines = service.app.get(ServiceLifecycle).metrics().split('\n');
  return new Map(
    lines.flatMap((line) =>
      line.startsWith('#') || line === '' ? [] : [[line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]],
    ),
  );
}

test('what KPIs are made of is measured at the owner, and told to the registry', async () => {
  const told: KpiEntry[] = [];
  await service.answer(recordKpis, ({ entries }) => {
    told.push(...entries);
    return {};
  });
  const tally = service.app.get(KpiTally);
  await tally.onModuleDestroy();
  told.length = 0;
  const second = async ({ input }: { input: unknown }): Promise<{ output: unknown }> => {
    await new Promise((resolve) => setTimeout(resolve, 500));
    return { output: input };
  };
  await using _second = new TestWorker(service, 'second', second, 8, 4);
  await apply(service, 'pair', {
    a: { agent: 'echo', with: 1, retry: { attempts: 2, backoff: { initialMs: 1 } } },
    b: { agent: 'second', with: 2 },
    c: { agent: 'second', needs: ['b'], with: 3 },
  });
  failures = 1;
  const { id } = await start(service, { workflow: 'pair' });
  await ended(service, id);
  // Done again with another version it is none of what has been.
  const again = { call: { workflow: recordedRun, with: { run: id, agent: 'echo', version: 1, onDivergence: 'end' } } };
  const wish = { workflow: 'eval/pair', manifest: workflow('again', again), idempotencyKey: 'again' };
  const fork = await service.request(startDefinition, wish, { from: 'registry' });
  expect((await ended(service, fork.id)).output).toMatchObject({ call: { a: 1, c: 3 } });
  await tally.onModuleDestroy();
  // They may lie in two minutes.
  const of = (kpi: string, agent: string, version = 0): Pick<KpiEntry, 'count' | 'bad' | 'sum'> =>
    told
      .filter((entry) => entry.kpi === kpi && entry.agent === agent && entry.version === version)
      .reduce((all, one) => ({ count: all.count + one.count, bad: all.bad + one.bad, sum: all.sum + one.sum }), {
        count: 0,
        bad: 0,
        sum: 0,
      });
  expect(of('agent-errors', 'echo', 1)).toMatchObject({ count: 2, bad: 1 });
  // The version that its worker says it runs.
  expect(of('agent-errors', 'second', 4)).toMatchObject({ count: 2, bad: 0 });
  expect(of('agent-errors', 'second').sum).toBeGreaterThanOrEqual(990);
  expect(of('agent-errors', '')).toMatchObject({ count: 4, bad: 1 });
  // What workers do is no latency of ours.
  expect(of('latency', 'second')).toMatchObject({ count: 2 });
  expect(of('latency', 'second').sum).toBeLessThan(990);
  expect(of('longest-path', '')).toMatchObject({ count: 1 });
  expect(of('longest-path', '').sum).toBeGreaterThanOrEqual(1);
  expect(of('single-agent', '').sum).toBeLessThanOrEqual(of('longest-path', '').sum);
});
