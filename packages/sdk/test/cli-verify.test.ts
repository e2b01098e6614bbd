import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { page, problem, Reply, RestDouble } from './rest-double.ts';
import { signalbox as run } from './terminal-double.ts';
import type { Printed } from './terminal-double.ts';

let rest: RestDouble;

/** What the double is asked for: one run of two steps, one artifact, one deployment, all of it whole. */
const at = '2026-11-24T11:59:00.000Z';
const aRun = {
  id: 'run_1',
  workflow: 'report',
  status: 'succeeded',
  reason: null,
  createdAt: at,
  progress: { total: 2, done: 2, running: 0, waiting: 0, failed: 0 },
};
const steps = [
  { key: 'a', status: 'succeeded' },
  { key: 'b', status: 'skipped' },
];
const events = [
  { seq: 0, at, type: 'run.started' },
  { seq: 1, at, type: 'step.queued', step: 'a', attempt: 1 },
  { seq: 2, at, type: 'step.started', step: 'a', attempt: 1 },
  { seq: 5, at, type: 'step.succeeded', step: 'a', attempt: 1 }, // between them the engine noted what is only for itself
  { seq: 6, at, type: 'step.skipped', step: 'b' },
  { seq: 7, at, type: 'run.succeeded' },
];
const content = '# Report\n';
const artifact = { id: 'art_1', name: 'report.md', createdAt: at, size: 9, sha256: createHash('sha256').update(content).digest('hex') };
const boardAgent = { name: 'reader', status: 'done', steps: [{ name: 'start', state: 'done' }] };

const sums = (tokens: number): object & { spent: object } => ({ spent: { tokens, costUsd: 0.1, steps: 1 } });

function runs(one: object, itsEvents: object[] = events, itsSteps: object[] = steps): void {
  rest
    .on('GET /runs', ({ query }) => (query['status'] === undefined ? page([one]) : page([])))
    .on('GET /runs/run_1', { ...one, steps: itsSteps })
    .on('GET /runs/run_1/steps', page(itsSteps))
    .on('GET /runs/run_1/events', page(itsEvents));
}

beforeEach(async () => {
  rest = await RestDouble.start();
  runs(aRun);
  rest
    .on('GET /audit/verification', { intact: true, entries: 1, head: 'ff' })
    .on('GET /artifacts', page([artifact, { ...artifact, id: 'art_old', createdAt: '2026-11-01T00:00:00Z' }]))
    .on('GET /artifacts/art_1/content', new Reply(200, content, { 'content-type': 'text/plain' }))
    .on('GET /deployments', page([{ name: 'site' }]))
    .on('GET /deployments/site', { manifest: { spec: { agents: [{ name: 'reader' }] } } })
    .on('GET /deployments/site/board', { agents: [boardAgent] })
    .on('GET /budgets', page([{ scope: 'workspace' }, { scope: 'workflow/gone' }]))
    .on('GET /budgets/workspace', { ...sums(20), given: sums(9).spent, slices: sums(9).spent })
    .on('GET /budgets/workflow%2Fgone', problem(404, 'not_found', 'none'));
});
afterEach(() => rest.stop());

function verify(...args: string[]): Promise<Printed> {
  return run(['verify', ...args], { env: { SIGNALBOX_URL: rest.url, SIGNALBOX_API_KEY: 'sbx_test' } });
}

/** What is found, as `--json` gives it. */
async function found(): Promise<string[]> {
  const { exit, out } = await verify('--json');
  const { findings } = JSON.parse(out) as { findings: { about: string; detail: string }[] };
  expect(exit).toBe(findings.length > 0 ? 1 : 0);
  return findings.map(({ about, detail }) => `${about}: ${detail}`);
}

test('what is whole is said to be clean, with what was looked at', async () => {
  const { exit, out, err } = await verify();
  expect([exit, err]).toEqual([0, '']);
  expect(out).toBe(
    [
      'audit        1 entry: each link of the chain',
      'runs         1 run since 2026-11-23T12:00:10.000Z or not ended: 6 events in order, 2 steps recorded once',
      'artifacts    1 artifact: content by its SHA-256',
      'deployments  1 deployment: board by manifest',
      'budgets      1 budget above runs: what is given by what runs have',
      'clean',
      '',
    ].join('\n'),
  );
});

test.each<[string, object[], string]>([
  [
    'a result twice',
    [...events.slice(0, 4), { seq: 6, at, type: 'step.succeeded', step: 'a', attempt: 2 }, ...events.slice(5)],
    'a ends twice',
  ],
  [
    'an attempt twice',
    [...events.slice(0, 3), { seq: 4, at, type: 'step.started', step: 'a', attempt: 1 }, ...events.slice(3)],
    'begins twice',
  ],
  ['a number twice', [...events.slice(0, 2), { ...events[2], seq: 1 }, ...events.slice(3)], 'event 1 comes after event 1'],
  ['no end', events.slice(0, 5), 'it is succeeded, and its end is not recorded'],
  ['another end', [...events.slice(0, 5), { seq: 7, at, type: 'run.failed' }], 'its end is run.failed'],
  ['more after its end', [...events, { seq: 8, at, type: 'step.queued', step: 'c', attempt: 1 }], 'comes after its end'],
  ['no beginning', events.slice(1), 'it begins with step.queued, number 1'],
  ['two beginnings', [events[0]!, { ...events[0], seq: 1 }, ...events.slice(2)], 'it starts again at event 1'],
  ['a result that is not recorded', events.filter(({ seq }) => seq !== 5), 'a is succeeded, and recorded is nothing'],
  ['nothing at all', [], 'nothing is recorded of it'],
])('a run with %s is found', async (_, itsEvents, because) => {
  runs(aRun, itsEvents);
  expect(await found()).toContainEqual(expect.stringContaining(because));
});

test('steps that go on after the end, and results that are shown otherwise than recorded, are found', async () => {
  runs(aRun, events, [
    { key: 'a', status: 'cancelled' },
    { key: 'b', status: 'running' },
  ]);
  expect(await found()).toEqual(['run run_1: a is cancelled, and recorded is step.succeeded', 'run run_1: it has ended, and b is running']);
});

test('a run that nobody moves is found; one that waits or has just moved is not', async () => {
  const live = { ...aRun, status: 'running' };
  const pending = [{ key: 'a', status: 'pending' }];
  runs(live, events.slice(0, 1), pending);
  expect(await found()).toEqual(['run run_1: it is running with nothing under way, and records nothing for 70 s']);
  runs(live, events.slice(0, 2), [{ key: 'a', status: 'queued' }]);
  expect(await found()).toEqual([]);
  runs(live, [{ ...events[0], at: '2026-11-24T12:00:05.000Z' }], pending);
  expect(await found()).toEqual([]);
  runs(live, events, pending); // it ended after it was first looked at
  expect(await found()).toEqual([]);
  runs({ ...live, reason: 'quarantined' }, events.slice(0, 2), [{ key: 'a', status: 'queued' }]);
  expect(await found()).toEqual(['run run_1: it is set aside, and waits for a person']);
});

test('a record with a gap, a broken audit, a changed artifact and a board that does not fit are found, each by its name', async () => {
  rest
    .on('GET /runs/run_1/events', problem(500, 'internal', 'what is recorded of run_1 lacks event 4'))
    .on('GET /audit/verification', { intact: false, entries: 9, head: 'ff', brokenAt: 5, because: 'it was altered' })
    .on('GET /artifacts/art_1/content', new Reply(200, 'changed', { 'content-type': 'text/plain' }))
    .on('GET /deployments/site/board', {
      agents: [
        { ...boardAgent, steps: [{ name: 'start', state: 'begun' }] },
        { ...boardAgent, name: 'x' },
      ],
    });
  expect(await found()).toEqual([
    'audit: entry 5: it was altered',
    expect.stringContaining('run run_1: what is recorded of run_1 lacks event 4'),
    'artifact art_1: its content (7 bytes) is not what was kept (9 bytes)',
    'deployment site: its board shows reader, x, its manifest has reader',
    'deployment site: reader is done without start',
  ]);
  const { exit, out, err } = await verify();
  expect(exit).toBe(1);
  expect(out).toContain('found  audit: entry 5: it was altered');
  expect(err).toContain('5 findings: what was recorded is not whole');
});

test('it is bounded by time and number, and says when there is more', async () => {
  rest.on('GET /runs', ({ query }) => (query['status'] === undefined ? page([aRun, { ...aRun, id: 'run_2' }]) : page([])));
  expect(await verify('--limit', '1')).toMatchObject({ exit: 0, err: 'There are more than were looked at: --limit 2\n' });
  expect((await verify('--since', '30s')).out).toContain('0 runs since 2026-11-24T11:59:40.000Z');
  expect((await verify('--since', '2026-11-24T11:59:30Z')).out).toContain('0 runs since 2026-11-24T11:59:30.000Z');
  expect(await verify('--since', 'lately')).toMatchObject({ exit: 2, err: expect.stringContaining('Say it as 24h, 7d') as unknown });
});

test('a service that does not answer is no finding', async () => {
  rest.on('GET /runs/run_1/events', problem(403, 'forbidden', 'not you'));
  expect((await verify()).exit).toBe(4);
});

test('a budget of which more or less is given than runs have is found', async () => {
  rest.on('GET /budgets/workspace', { ...sums(-1), given: sums(9).spent, slices: sums(10).spent });
  expect(await found()).toEqual([
    'budget workspace: 9 tokens are given to runs, and they have 10',
    'budget workspace: tokens are below nothing: -1 spent, 9 given',
  ]);
});
