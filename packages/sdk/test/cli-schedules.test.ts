import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { page, problem, RestDouble } from './rest-double.ts';
import { signalbox as run, temporaryFolder } from './terminal-double.ts';
import type { Printed, Surroundings } from './terminal-double.ts';

let rest: RestDouble;

beforeEach(async () => {
  rest = await RestDouble.start();
});
afterEach(() => rest.stop());

function signalbox(args: readonly string[], surroundings: Surroundings = {}): Promise<Printed> {
  return run(args, { ...surroundings, env: { SIGNALBOX_URL: rest.url, SIGNALBOX_API_KEY: 'sbx_test', ...surroundings.env } });
}

const at = '2026-11-24T12:00:00.000Z';
const firing = { key: at, time: at, until: null, outcome: 'started', reason: null, run: 'run_1', runStatus: 'succeeded', at };
const schedule = {
  ...{ id: 'sched_1', name: 'nightly', description: null, labels: {}, workflow: 'report', cron: '30 2 * * *', every: null },
  ...{
    timeZone: 'Europe/Berlin',
    overlap: 'skip',
    state: 'active',
    pausedReason: null,
    pausedBy: null,
    nextTime: '2099-01-01T01:30:00.000Z',
  },
  ...{ lastTime: at, last: firing, appliedBy: 'ada', version: 1, createdAt: at, updatedAt: at },
};
const spec = { workflow: 'report', cron: '30 2 * * *', timeZone: 'Europe/Berlin' };
const manifest = { apiVersion: 'signalbox.dev/v1', kind: 'Schedule', metadata: { name: 'nightly' }, spec };
const trigger = {
  ...{ name: 'push', description: null, labels: {}, kind: 'webhook', workflow: 'report', hook: 'hook_1', watches: null, state: 'active' },
  ...{ pausedReason: null, pausedBy: null, last: null, appliedBy: 'ada', version: 1, createdAt: at, updatedAt: at },
};

function rowsOf(text: string): string[][] {
  return text.split('\n').map((row) => row.trim().split(/ {2,}/));
}

test('schedules and triggers are tables, narrowed as was asked for', async () => {
  const failed = { ...firing, outcome: 'failed', run: null, runStatus: null, reason: 'ada may not act any more' };
  rest.on(
    'GET /schedules',
    page([schedule, { ...schedule, name: 'often', cron: null, every: '5m', state: 'paused', nextTime: null, last: failed }]),
  );
  const listed = await signalbox(['schedules', 'list', '--q', 'n', '--workflow', 'report', '--state', 'paused']);
  expect(rest.seen.at(-1)?.query).toMatchObject({ q: 'n', workflow: 'report', state: 'paused' });
  const rows = rowsOf(listed.out);
  expect(rows[0]?.slice(0, 4)).toEqual(['SCHEDULE', 'WORKFLOW', 'WHEN', 'STATE']);
  expect(rows[1]).toEqual([
    'nightly',
    'report',
    '30 2 * * * Europe/Berlin',
    '◐ active',
    expect.stringMatching(/^in \d+ d$/),
    '✔ succeeded',
  ]);
  expect(rows[2]).toEqual(['often', 'report', 'every 5m', '‖ paused', '✖ failed', expect.stringMatching(/^ada may/)]);
  rest.on('GET /schedules', page([]));
  expect((await signalbox(['schedules', 'list'])).out).toMatch(/^No schedules\. Make one: signalbox apply/);
  rest.on('GET /triggers', page([trigger, { ...trigger, name: 'after', kind: 'runEnded', hook: null, watches: 'build' }]));
  const triggers = rowsOf((await signalbox(['triggers', 'list', '--kind', 'webhook'])).out);
  expect(rest.seen.at(-1)?.query).toMatchObject({ kind: 'webhook' });
  expect(triggers.slice(1, 3).map((row) => row.slice(0, 4))).toEqual([
    ['push', 'report', 'webhook', '◐ active'],
    ['after', 'report', 'the end of build', '◐ active'],
  ]);
});

test('one is shown with its next times, in its own zone too; so is a cron that is only an idea', async () => {
  rest.on('GET /schedules/nightly', { ...schedule, manifest });
  rest.on('POST /schedules/preview', { times: ['2027-01-01T01:30:00.000Z'] });
  const shown = await signalbox(['schedules', 'get', 'nightly']);
  expect(shown.out).toContain('nightly starts report: 30 2 * * * Europe/Berlin (overlap: skip, applied by ada)');
  expect(shown.out).toContain('2027-01-01T01:30:00Z  2027-01-01 02:30 Europe/Berlin');
  expect(rest.seen.at(-1)?.body).toEqual({ cron: '30 2 * * *', timeZone: 'Europe/Berlin' });
  await signalbox(['schedules', 'next', '--every', '15m', '--count', '2']);
  expect(rest.seen.at(-1)?.body).toEqual({ every: '15m', count: 2 });
  rest.on('POST /schedules/preview', problem(400, 'invalid', '/cron: minute: 61'));
  expect(await signalbox(['schedules', 'next', '--cron', '61 * * * *'])).toMatchObject({
    exit: 2,
    err: expect.stringContaining('minute: 61') as unknown,
  });
  rest.on('GET /triggers/push', { ...trigger, manifest: {} });
  expect((await signalbox(['triggers', 'get', 'push'])).out).toContain('hook: POST /api/v1/hooks/hook_1');
});

test.each(['schedules', 'triggers'])(
  '%s are paused with a reason, resumed, looked back at and removed once that was agreed to',
  async (kind) => {
    const one = kind === 'schedules' ? schedule : trigger;
    rest.on(`POST /${kind}/x/pause`, { ...one, name: 'x', state: 'paused', nextTime: null });
    expect((await signalbox([kind, 'pause', 'x', '--reason', 'why not'])).out).toContain('x is paused');
    expect(rest.seen.at(-1)?.body).toEqual({ reason: 'why not' });
    rest.on(`POST /${kind}/x/resume`, { ...one, name: 'x' });
    expect((await signalbox([kind, 'resume', 'x'])).out).toContain('x is active');
    rest.on(
      `GET /${kind}/x/firings`,
      page([firing, { ...firing, outcome: 'skipped', run: null, runStatus: null, until: at, reason: 'missed' }]),
    );
    const history = rowsOf((await signalbox([kind, 'history', 'x', '--outcome', 'skipped'])).out);
    expect(rest.seen.at(-1)?.query).toMatchObject({ outcome: 'skipped' });
    expect(history[1]?.slice(0, 4)).toEqual(['2026-11-24T12:00:00Z', '▷ started', 'run_1', '✔ succeeded']);
    expect(history[2]?.at(-1)).toBe(`until ${at}: missed`);
    rest.on(`DELETE /${kind}/x`, {});
    expect(await signalbox([kind, 'rm', 'x'], { answer: 'n' })).toMatchObject({ exit: 1 });
    expect((await signalbox([kind, 'rm', 'x', '--yes'])).out).toBe('x is removed\n');
    expect(rest.seen.at(-1)).toMatchObject({ method: 'DELETE', path: `/${kind}/x` });
  },
);

test('one is run now, with its key', async () => {
  const progress = { total: 1, done: 0, running: 1, waiting: 0, failed: 0 };
  rest.on('POST /schedules/nightly/runs', { id: 'run_9', workflow: 'report', status: 'running', reason: null, error: null, progress });
  const started = await signalbox(['schedules', 'run', 'nightly', '--idempotency-key', 'k']);
  expect(started).toMatchObject({ exit: 0, out: expect.stringContaining('run_9') as unknown });
  expect(rest.seen.at(-1)?.headers).toMatchObject({ 'idempotency-key': 'k' });
});

test('apply takes them after the workflows that they start', async () => {
  await using folder = await temporaryFolder();
  const cwd = folder.path;
  const documents = [
    manifest,
    {
      ...manifest,
      kind: 'Trigger',
      metadata: { name: 'push' },
      spec: { workflow: 'report', on: { webhook: { secret: 'secret://hook' } } },
    },
    { ...manifest, kind: 'Workflow', metadata: { name: 'report' }, spec: { steps: { a: { value: 1 } } } },
  ];
  await writeFile(join(cwd, 'all.yaml'), documents.map((one) => JSON.stringify(one)).join('\n---\n'));
  for (const path of ['schedules/nightly', 'triggers/push', 'workflows/report'])
    rest.on(`PUT /${path}`, { action: 'created', changes: [], resource: {} });
  const { exit, out } = await signalbox(['apply', '-f', 'all.yaml', '--yes'], { cwd });
  expect([exit, out]).toEqual([0, expect.stringMatching(/workflow\/report created[^]*schedule\/nightly created[^]*trigger\/push created/)]);
});
