import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { page, problem, RestDouble } from './rest-double.ts';
import { signalbox as run } from './terminal-double.ts';
import type { Printed } from './terminal-double.ts';

let rest: RestDouble;
let folder: string;

beforeEach(async () => {
  rest = await RestDouble.start();
  folder = await mkdtemp(join(tmpdir(), 'signalbox-cli-'));
});
afterEach(async () => {
  await rest.stop();
  await rm(folder, { recursive: true });
});

function signalbox(...args: string[]): Promise<Printed> {
  return run(args, { env: { SIGNALBOX_URL: rest.url, SIGNALBOX_API_KEY: 'sbx_test' }, cwd: folder });
}

const evidence = {
  ...{
    id: 'evidence_1',
    agent: 'analyst',
    version: 2,
    format: 'junit',
    source: 'unit',
    hash: 'sha256:',
    bytes: 9,
    findings: ['failed: b'],
  },
  ...{ metrics: [{ metric: 'tests.unit.passRate', value: 2 / 3 }], by: 'sa_1', byName: 'ci', expired: false },
  ...{ createdAt: '2026-11-24T11:00:00Z', expiresAt: '2026-12-24T11:00:00Z' },
};
const short = {
  ...{ metric: 'tests.unit.passRate', standing: 'short', target: 'at least 1', value: 0.9, shortBy: 0.1 },
  says: 'tests.unit.passRate is 0.9, and must be at least 1: 0.1 too little',
  next: 'signalbox evidence add analyst@2 --suite unit --file junit.xml',
};
const check = {
  ...{ stage: 'integration', held: false, allowed: false },
  gates: [{ gate: 'unit-tests', passed: false, evidenceDays: 30, metrics: [short] }],
  blockers: [{ because: `unit-tests: ${short.says}`, next: short.next }],
};

test('reports are sent as what they are, large ones compressed', async () => {
  rest.on('POST /evidence', evidence);
  await writeFile(join(folder, 'junit.xml'), '<testsuite/>');
  await writeFile(join(folder, 'lcov.info'), 'SF:a\n');
  await writeFile(join(folder, 'scan.json'), `{"$schema": "sarif", "runs": []${' '.repeat(70_000)}}`);
  await writeFile(join(folder, 'metrics.json'), '{"metrics":{"velocity":12}}');
  const files = ['junit.xml', 'lcov.info', 'scan.json', 'metrics.json'].flatMap((file) => ['--file', file]);
  const { exit, out } = await signalbox('evidence', 'add', 'analyst@2', ...files, '--source', 'ci');
  expect([exit, out.split('\n').slice(0, 3)]).toEqual([
    0,
    [expect.stringContaining('added to analyst@2 from unit, expires in'), '  tests.unit.passRate  0.666667', '  failed: b'],
  ]);
  const bodies = rest.seen.map(({ body }) => body as { format: string; content: string; encoding?: string });
  expect(bodies.map(({ format, encoding }) => [format, encoding])).toEqual([
    ['junit', undefined],
    ['lcov', undefined],
    ['sarif', 'gzip'],
    ['json', undefined],
  ]);
  expect(bodies[0]).toEqual({ agent: 'analyst', version: 2, format: 'junit', content: '<testsuite/>', source: 'ci' });
  expect(gunzipSync(Buffer.from(bodies[2]!.content, 'base64')).toString()).toMatch(/^{"\$schema"/);
});

test.each([
  [['evidence', 'add', 'analyst', '--file', 'nothing.xml'], 'cannot read nothing.xml'],
  [['evidence', 'add', 'Analyst@x', '--file', 'a'], 'Analyst@x names no agent'],
  [['evidence', 'add', 'analyst', '--file', 'notes'], 'notes does not show what it is'],
  [['promote', 'analyst', '--to', 'staging'], 'analyst names no version'],
  [['promote', 'analyst@2', '--to', 'moon'], 'moon'],
  [['promote', 'analyst@2', '--to', 'staging', '--approve', '--dry-run'], 'exclude each other'],
])('%p is wrong usage', async (args, words) => {
  await writeFile(join(folder, 'notes'), 'hello');
  await expect(signalbox(...args)).resolves.toMatchObject({ exit: 2, err: expect.stringContaining(words) });
  expect(rest.seen).toEqual([]);
});

test('evidence is a table, found by its filters', async () => {
  rest.on('GET /evidence', page([evidence, { ...evidence, expired: true }]));
  const { out } = await signalbox('evidence', 'list', 'analyst@2', '--metric', 'tests.unit.passRate', '--no-expired');
  expect(out).toMatch(/^VERSION +FORMAT +SOURCE +SAYS +BY +ADDED +EXPIRES\n +2 +junit +unit +tests.unit.passRate 0.666667 +ci /);
  expect(rest.seen[0]?.query).toMatchObject({ agent: 'analyst', version: '2', metric: 'tests.unit.passRate', expired: 'false' });
  rest.on('GET /evidence', page([]));
  expect((await signalbox('evidence', 'analyst')).out).toContain('signalbox evidence add analyst --file junit.xml');
  expect(rest.seen[1]?.query).toEqual({ agent: 'analyst', limit: '50' });
});

test('the stages of an agent show who is where, and what a version lacks', async () => {
  const holders = [{ stage: 'integration', version: 1, since: '2026-11-24T11:00:00Z', by: 'user_1', byName: 'ann' }];
  const others = ['staging', 'production', 'full-access'].map((stage) => ({ stage, held: false, allowed: true, gates: [], blockers: [] }));
  rest.on('GET /agents/analyst/stages', { agent: 'analyst', version: 2, current: 2, holders, checks: [check, ...others], history: [] });
  const { out } = await signalbox('stages', 'analyst@2');
  expect(out).toContain('analyst  version 2 (current)');
  expect(out).toMatch(/integration +version 1 .* ann +1 thing is missing/);
  expect(out).toMatch(/staging +none +may get there/);
  expect(out).toContain(`      ✖ ${short.says}  ${short.next}`);
});

test('a promotion says what it did; a refusal ends with 6, what is short and what to do', async () => {
  rest.on('POST /agents/analyst/promote', ({ query }) =>
    query['dryRun'] === 'true'
      ? { action: 'refused', check, holders: [] }
      : problem(409, 'conflict', `version 2 of analyst cannot get to integration: ${check.blockers[0]!.because}`, { next: short.next }),
  );
  for (const args of [[], ['--dry-run']]) {
    const { exit, err } = await signalbox('promote', 'analyst@2', '--to', 'integration', ...args);
    expect([exit, err]).toEqual([6, expect.stringContaining('0.1 too little')]);
    expect(err).toContain(short.next);
  }
  rest.on('POST /agents/analyst/promote', { action: 'promoted', check: { ...check, gates: [] }, holders: [] });
  expect((await signalbox('promote', 'analyst@2', '--to', 'integration', '--reason', 'good')).out).toContain(
    'analyst@2 is at integration now',
  );
  expect(rest.seen.at(-1)?.body).toEqual({ version: 2, to: 'integration', reason: 'good' });
});

test('an approval and a demotion say what they did', async () => {
  rest.on('POST /agents/analyst/approve', { action: 'approved', check: { ...check, gates: [] } });
  expect((await signalbox('promote', 'analyst@2', '--to', 'integration', '--approve')).out).toContain(
    'analyst@2 is approved for integration',
  );
  const holders = [{ stage: 'staging', version: 1, since: '2026-11-24T11:00:00Z', by: 'user_1', byName: 'ann' }];
  rest.on('POST /agents/analyst/demote', { left: ['staging', 'production'], holders });
  expect((await signalbox('demote', 'analyst@2', '--from', 'staging')).out).toBe(
    'analyst@2 left staging: version 1 is there again\nanalyst@2 left production: nothing is there now\n',
  );
});

test('gates are a table', async () => {
  const gate = { name: 'speed', description: '', labels: {}, stages: ['production'], evidenceDays: 30, builtIn: true, version: 0 };
  const metrics = [
    { metric: 'latency', maxRise: 0.1 },
    { metric: 'coverage.lines', min: 0.8 },
  ];
  rest.on('GET /gates', page([{ ...gate, metrics, approvals: { count: 2, roles: ['admin'] } }]));
  expect((await signalbox('gates')).out).toContain('latency at most 10 % above, coverage.lines ≥ 0.8, 2 approvals by admin');
  rest.on('DELETE /gates/mine', { name: 'mine' });
  expect((await signalbox('gates', 'rm', 'mine', '--yes')).out).toBe('mine is removed\n');
});

test('a version is measured, and what could not be is said', async () => {
  const lacks = ['performance: it had fewer than 20 calls within 7 days'];
  const piece = {
    agent: 'analyst',
    version: 2,
    source: 'live',
    expiresAt: new Date().toISOString(),
    findings: ['the manifest says nothing of x'],
  };
  rest.on('POST /agents/analyst/measure', { added: [{ ...piece, metrics: [{ metric: 'security.toolsPinned', value: 1 }] }], lacks });
  const { out } = await signalbox('evidence', 'measure', 'analyst@2');
  expect(out).toContain('added to analyst@2 from live');
  expect(out).toContain('security.toolsPinned  1');
  expect(out).toContain(`not measured: ${lacks[0]}`);
});

test('KPIs are a table, with what burns', async () => {
  const burn = [{ long: '1h', short: '5m', longRate: 20.12, shortRate: 30, threshold: 14.4, burning: true }];
  const points = [1, null, 3].map((value, at) => ({ at: new Date(at).toISOString(), count: 1, value }));
  const shared = { objective: null, within: 0.95, points };
  rest.on('GET /kpis', ({ query }) => ({
    ...{ window: query['window'], agent: query['agent'] ?? null, from: '', to: '' },
    data: [
      {
        ...shared,
        name: 'latency',
        unit: 'ms',
        count: 12,
        bad: 0,
        value: 4.25,
        p50: 3,
        p99: 40,
        target: 100,
        met: true,
        budgetLeft: 1,
        burn: [],
      },
      {
        ...shared,
        name: 'errors',
        unit: 'share',
        count: 9,
        bad: 1,
        value: 0.02,
        p50: null,
        p99: null,
        target: 0.001,
        met: false,
        budgetLeft: -19,
        burn,
      },
      {
        ...shared,
        name: 'availability',
        unit: 'share',
        count: 0,
        bad: 0,
        value: null,
        p50: null,
        p99: null,
        target: 0.999,
        met: null,
        budgetLeft: null,
        burn: [],
      },
    ],
  }));
  const { out } = await signalbox('kpis', '--window', '6h', '--agent', 'analyst');
  expect(out).toMatch(/latency added +4.25 ms +3 ms +40 ms +≤ 100 ms +met +100 % .* 12 +▃ █/);
  expect(out).toMatch(/errors of ours +2 % .*≤ 0.1 % +missed +-1900 % +20 x over 1h/);
  expect(out).toMatch(/availability +- .*≥ 99.9 %/);
  expect((await signalbox('kpis', '--window', '2h')).err).toContain('1h, 6h, 1d, 7d, 30d');
});

test('objectives are listed and taken away', async () => {
  rest.on(
    'GET /objectives',
    page([{ name: 'quick', kpi: 'latency', target: 20, description: 'it talks to people', labels: {}, version: 1 }]),
  );
  expect((await signalbox('objectives')).out).toMatch(/quick +latency +all +20 +- +it talks to people/);
  rest.on('DELETE /objectives/quick', { name: 'quick' });
  expect((await signalbox('objectives', 'rm', 'quick', '--yes')).out).toBe('quick is removed\n');
  rest.on('GET /objectives', page([]));
  expect((await signalbox('objectives')).out).toContain('No such objective');
});

const rollout = {
  ...{
    id: 'rollout_1',
    agent: 'analyst',
    version: 3,
    stable: 2,
    status: 'progressing',
    reason: '8 more calls of version 3 are needed to judge it',
  },
  plan: {
    ...{ strategy: 'canary', calls: 20, stickBy: 'call', onFailure: 'rollback', measures: [] },
    steps: [
      { share: 0.05, holdMs: 60_000 },
      { share: 0.5, labels: { tenant: 'beta' }, holdMs: 0, pause: true },
    ],
  },
  ...{ step: 1, stepSince: '2026-11-24T11:00:00Z', share: 0.5 },
  stableFigures: { version: 2, calls: 200, failed: 2, errorRate: 0.01, latencyP95Ms: 150, latencyMeanMs: 100, costUsd: 0.01 },
  figures: { version: 3, calls: 0, failed: 0 },
  checks: [{ metric: 'live.errorRate', standing: 'open', says: 'live.errorRate: 12 of 20 calls that are needed to judge it' }],
  ...{ by: 'user_1', byName: 'ann', createdAt: '2026-11-24T11:00:00Z', updatedAt: '2026-11-24T11:00:00Z' },
};

test('a rollout is listed and shown with its steps, both versions side by side, and what happened', async () => {
  rest.on('GET /rollouts', page([rollout]));
  const { exit, out } = await signalbox('rollouts', '--agent', 'analyst');
  expect([exit, out]).toEqual([
    0,
    expect.stringMatching(/rollout_1 +analyst@3 +2 +◐ progressing +2\/2, 50 % of the calls and runs with tenant=beta/),
  ]);
  const entry = { at: '2026-11-24T11:00:00Z', move: 'started', step: 0, by: 'user_1', text: 'version 3 begins', checks: [] };
  rest.on('GET /rollouts/rollout_1', { ...rollout, history: [entry] });
  const shown = await signalbox('rollouts', 'show', 'rollout_1');
  expect(shown.exit).toBe(0);
  for (const text of [
    'rollout_1 ◐ progressing: 8 more calls',
    '✔ 5 % of the calls  at least 1 min 0 s',
    '◐ 50 % of the calls and runs with tenant=beta  then somebody has to say',
    '12 of 20 calls',
    'started  version 3 begins',
  ])
    expect(shown.out).toContain(text);
  expect(shown.out).toMatch(/2 +200 +1 % +0\.15 s +0\.10 s +0.0100/);
});

test('of mirrored calls both versions are shown, what graders say, and what was answered in different ways', async () => {
  const mirror = {
    ...{ pairs: 40, skipped: 3, equal: 0.9, totalUsd: 0.5, isSpent: true },
    stable: { version: 2, errorRate: 0, valid: 1, p50Ms: 100, p95Ms: 150, costUsd: 0.01 },
    candidate: { version: 3, errorRate: 0.05, valid: 0.95, p50Ms: 120, p95Ms: 180, costUsd: 0.0125 },
    scores: [{ grader: 'kind', pairs: 40, stable: 1, candidate: 0.9, change: { value: -0.1, low: -0.2, high: 0 }, pValue: 0.1 }],
  };
  const pair = {
    ...{ at: '2026-11-24T11:00:00Z', run: 'run_1', because: 'the answers differ', input: '{"a":1}' },
    ...{ stable: '"yes"', candidate: '"no"', stableMs: 90, candidateMs: 130 },
  };
  const plan = { ...rollout.plan, steps: [{ share: 0, mirror: 0.5, holdMs: 0 }] };
  rest.on('GET /rollouts/rollout_1', { ...rollout, plan, step: 0, mirror, history: [], pairs: [pair] });
  const { exit, out } = await signalbox('rollouts', 'show', 'rollout_1');
  expect(exit).toBe(0);
  for (const text of [
    '0 % of the calls, 50 % of the others mirrored',
    '40 mirrored calls, 90 % answered the same, 3 skipped, 0.5000 USD together: that is as much as they may',
    'kind 1 → 0.9, change between -0.2 and 0 of 40 pairs',
    'the answers differ run_1',
    'asked {"a":1}',
    'version 3, 0.13 s "no"',
  ])
    expect(out).toContain(text);
  expect(out).toMatch(/3 +5 % +95 % +0\.12 s +0\.18 s +0\.0125/);
});

test('a rollout is started, held, and ended by hand; what moves calls is confirmed', async () => {
  rest.on('POST /rollouts', { resource: rollout });
  expect((await signalbox('rollouts', 'start', 'analyst@3')).out).toBe('rollout_1 analyst@3 begins to take the place of version 2\n');
  expect((await signalbox('rollouts', 'start', 'analyst')).exit).toBe(2);
  rest.on('GET /rollouts/rollout_1', { ...rollout, history: [] });
  rest.on('POST /rollouts/rollout_1/pause', { resource: { ...rollout, status: 'paused' } });
  rest.on('POST /rollouts/rollout_1/abort', { resource: { ...rollout, status: 'rolled-back' } });
  expect((await signalbox('rollouts', 'pause', 'rollout_1', '--reason', 'lunch')).out).toBe('analyst@3 is held: ‖ paused\n');
  expect(rest.seen.at(-1)?.body).toEqual({ reason: 'lunch' });
  expect((await signalbox('rollouts', 'abort', 'rollout_1')).exit).not.toBe(0);
  const aborted = await signalbox('rollouts', 'abort', 'rollout_1', '--yes');
  expect([aborted.exit, aborted.out]).toEqual([0, 'analyst@3 gets no calls any more: ✖ rolled-back\n']);
});
