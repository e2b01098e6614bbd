import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { page, problem, RestDouble } from './rest-double.ts';
import { signalbox as run } from './terminal-double.ts';
import type { Printed, Surroundings } from './terminal-double.ts';

let rest: RestDouble;

beforeEach(async () => {
  rest = await RestDouble.start();
});
afterEach(() => rest.stop());

function signalbox(args: readonly string[], surroundings: Surroundings = {}): Promise<Printed> {
  return run(args, { ...surroundings, env: { SIGNALBOX_URL: rest.url, SIGNALBOX_API_KEY: 'sbx_test', ...surroundings.env } });
}

const agent = (name: string, status: string, more: object = {}): object => ({
  name,
  agent: name,
  status,
  progress: status === 'done' ? 1 : 0.5,
  steps: [],
  dependsOn: [],
  waitingFor: [],
  estimateDays: [1, 2],
  eta: status === 'done' ? null : { days: [3, 4], at: '2026-11-28T00:00:00Z' },
  priority: null,
  slackDays: status === 'done' ? null : 1,
  critical: false,
  ...more,
});
const board = (agents: object[], more: object = {}): object => ({
  name: 'nine',
  status: 'active',
  progress: 0.25,
  remainingDays: 8,
  eta: { days: [7, 9], at: '2026-12-02T00:00:00Z' },
  agents,
  criticalPath: [],
  nextActions: [],
  updatedAt: '2026-11-24T12:00:00Z',
  ...more,
});

test('a board shows who is up, who waits for what, the critical path and what to do next', async () => {
  const agents = [
    agent('database', 'done'),
    agent('registry', 'active', {
      critical: true,
      slackDays: 0,
      steps: [{ name: 'probe', source: 'probe', state: 'begun', note: 'no answer yet' }],
    }),
    agent('api', 'waiting', {
      waitingFor: [
        { on: 'registry', because: 'it is half done' },
        { on: 'service:bus', because: 'it is down' },
      ],
    }),
    agent('broken', 'failed', { statusReason: 'it ended with code 1', steps: [{ name: 'start', state: 'failed' }] }),
    agent('stuck', 'active', { steps: [{ name: 'start', state: 'failed' }] }),
    agent('later', 'ready', { dependsOn: ['database'], eta: { days: [0.1, 0.5], at: '' } }),
    agent('free', 'parallel', { eta: { days: [0.01, 0.01], at: '' } }),
  ];
  const nextActions = [
    { action: 'finish', agent: 'registry', because: 'probe has begun', unblocks: ['api'], within: 'now' },
    ...Array.from({ length: 9 }, (_, i) => ({ action: 'start', agent: `a${i}`, because: 'it can', unblocks: [], within: '24h' })),
  ];
  rest.on('GET /deployments/nine/board', board(agents, { criticalPath: ['registry', 'api'], nextActions }));
  expect((await signalbox(['board', 'nine'])).out).toBe(
    [
      'nine  ◐ active  25 %  7.0 to 9.0 d left',
      '1 done, 2 active, 1 waiting, 1 failed, 1 ready, 1 parallel',
      '',
      'AGENT     STATUS       DONE           LEFT  SLACK  WHY',
      'database  ✔ done      100 %',
      'registry  ◐ active     50 %   3.0 to 4.0 d   none  probe begun: no answer yet',
      'api       ‖ waiting    50 %   3.0 to 4.0 d  1.0 d  registry: it is half done; service:bus: it is down',
      'broken    ✖ failed     50 %   3.0 to 4.0 d  1.0 d  it ended with code 1',
      'stuck     ◐ active     50 %   3.0 to 4.0 d  1.0 d  start failed',
      'later     ▷ ready      50 %  2.4 to 12.0 h  1.0 d  after database',
      'free      ○ parallel   50 %       14.4 min  1.0 d  needs nothing',
      '',
      'Critical path  registry → api',
      '',
      'Next',
      '  now   finish registry: probe has begun  (unblocks api)',
      ...Array.from({ length: 7 }, (_, i) => `  24h   start a${i}: it can`),
      '  and 2 more',
      '',
    ].join('\n'),
  );
});

test('what if an agent slips: the board as it would be, and how the end moves', async () => {
  rest.on('GET /deployments/nine/board', ({ query }) => board([], query['slip'] ? { remainingDays: 8.5 } : {}));
  const { out } = await signalbox(['board', 'nine', '--if', 'api=12h']);
  expect(out).toContain('If api takes 12.0 h longer, all is done 12.0 h later.\n\nnine  ◐ active');
  expect(rest.seen.map(({ query }) => query['slip'])).toEqual(expect.arrayContaining([undefined, 'api=0.5']));
  const two = await signalbox(['board', 'nine', '--if', 'api=1h', '--if', 'free=-1d']);
  expect(two.out).toContain('If api takes 1.0 h longer and free takes 1.0 d less, all is done');
  expect(rest.seen.at(-1)?.query['slip'] ?? rest.seen.at(-2)?.query['slip']).toBe('free=-1');
  expect(await signalbox(['board', 'nine', '--if', 'api'])).toMatchObject({ exit: 2, err: expect.stringContaining('agent=2d') });
  expect(await signalbox(['board', 'nine', '--watch', '--if', 'api=1d'])).toMatchObject({ exit: 2 });
});

test('without a name the only board is shown, several are listed, none is said so', async () => {
  rest.on('GET /deployments', page([{ name: 'nine' }])).on('GET /deployments/nine/board', board([], { eta: null }));
  expect((await signalbox(['board'])).out).toContain('nine  ◐ active  25 %\n');
  expect(JSON.parse((await signalbox(['board', '--json'])).out)).toMatchObject({ name: 'nine' });
  const one = { status: 'done', progress: 1, agents: 4, done: 4, updatedAt: '2026-11-24T12:00:00Z' };
  rest.on(
    'GET /deployments',
    page([
      { ...one, name: 'nine' },
      { ...one, name: 'ten' },
    ]),
  );
  expect((await signalbox(['board'])).out).toBe(
    'DEPLOYMENT  STATUS   DONE  AGENTS   CHANGED\nnine        ✔ done  100 %     4/4  10 s ago\nten         ✔ done  100 %     4/4  10 s ago\n\n2 deployments: signalbox board NAME shows one\n',
  );
  rest.on('GET /deployments', page([]));
  expect(await signalbox(['board'])).toMatchObject({ exit: 5, err: expect.stringContaining('there is no deployment yet') });
});

test('a watched board is redrawn on a terminal and told anew where it changed in a pipe', async () => {
  let n = 0;
  rest.on('GET /deployments/nine/board', () => board([agent('a', 'active', { progress: ++n / 100 })]));
  const watch = (more: Surroundings, args: string[] = []): Promise<Printed> => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(new DOMException('interrupted', 'AbortError')), 2_500);
    return signalbox(['board', 'nine', '--watch', ...args], { signal: controller.signal, ...more });
  };
  const [live, piped, json] = await Promise.all([watch({ terminal: 80 }), watch({}), watch({}, ['--json'])]);
  expect(live.out.split(/\u001b\[\d+F/).length).toBeGreaterThanOrEqual(2);
  expect(piped.out.match(/AGENT/g)?.length).toBeGreaterThanOrEqual(2);
  expect(json.out.trim().split('\n').length).toBeGreaterThanOrEqual(2);
  expect([live.exit, piped.exit, json.exit]).toEqual([0, 0, 0]);
  rest.on('GET /deployments/nine/board', problem(404, 'not_found', 'there is no deployment nine'));
  expect((await signalbox(['board', 'nine', '--watch'])).exit).toBe(5);
});

const plan = [
  { name: 'librarian', wave: 1, action: 'start', because: 'it needs nothing', dependsOn: [] },
  { name: 'analyst', wave: 2, action: 'restart', because: 'a new version', dependsOn: ['librarian'] },
];

test('deploy shows its plan, asks before it disturbs anything, and starts', async () => {
  rest.on('POST /deployments/d/start', { plan, resource: { name: 'd' } });
  const shown =
    'WAVE  AGENT      ACTION   BECAUSE\n   1  librarian  start    it needs nothing\n   2  analyst    restart  a new version\n\n';
  expect(await signalbox(['deploy', 'd', '--dry-run'])).toEqual({ exit: 0, out: shown, err: '' });
  expect(JSON.parse((await signalbox(['deploy', 'd', '--dry-run', '--json'])).out)).toEqual(plan);
  expect(rest.seen.every((one) => one.query['dryRun'] === 'true')).toBe(true);
  expect((await signalbox(['deploy', 'd'])).exit).toBe(2);
  expect((await signalbox(['deploy', 'd'], { answer: 'y' })).out).toContain('d has been started.');
  expect(JSON.parse((await signalbox(['deploy', 'd', '--yes', '--json'])).out)).toMatchObject({ resource: { name: 'd' } });
});

test('a followed deployment is told step by step until all is done', async () => {
  rest.on('POST /deployments/d/start', { plan: plan.slice(0, 1), resource: {} });
  const boards = [
    board([
      agent('librarian', 'starting', {
        steps: [
          { name: 'probe', state: 'begun' },
          { name: 'contract', state: 'pending' },
        ],
      }),
    ]),
    board([agent('librarian', 'done', { steps: [{ name: 'probe', state: 'done', note: 'answered in 3 ms' }] })], { status: 'done' }),
  ];
  let n = 0;
  rest.on('GET /deployments/d/board', () => boards[Math.min(n++, 1)]);
  expect((await signalbox(['deploy', 'd', '--follow'])).out.split('\n\n')[1]).toBe(
    [
      '◐ librarian        probe begun',
      '◐ librarian        starting 50 %',
      '✔ librarian        probe done: answered in 3 ms',
      '✔ librarian        done 100 %',
      '',
    ].join('\n'),
  );
  n = 0;
  const lines = (await signalbox(['deploy', 'd', '--follow', '--json'])).out.trim().split('\n');
  expect(lines.map((one) => (JSON.parse(one) as { type: string }).type)).toEqual(['step', 'agent', 'step', 'agent', 'result']);
  n = 0;
  expect((await signalbox(['deploy', 'd', '--follow'], { terminal: 80 })).out).toContain('d left');
});

test('a deployment whose agent fails ends with 1 once nothing moves any more', async () => {
  rest.on('POST /deployments/d/start', { plan: plan.slice(0, 1), resource: {} });
  rest.on(
    'GET /deployments/d/board',
    board([
      agent('a', 'failed', { statusReason: 'it ended with code 1' }),
      agent('b', 'waiting', { waitingFor: [{ on: 'a', because: 'a has failed' }] }),
    ]),
  );
  expect(await signalbox(['deploy', 'd', '--follow'])).toMatchObject({
    exit: 1,
    err: 'error: a failed: it ended with code 1\n  next: See the board: signalbox board d\n',
  });
  rest.on('GET /deployments/d/board', board([agent('a', 'isolated')]));
  expect((await signalbox(['deploy', 'd', '--follow'])).err).toContain('error: a failed\n');
});

test('a deployment that does not come up in time is not waited for forever', async () => {
  rest.on('POST /deployments/d/start', { plan: plan.slice(0, 1), resource: {} });
  rest.on('GET /deployments/d/board', board([agent('a', 'starting'), agent('b', 'waiting'), agent('c', 'done')]));
  let clock = 0;
  expect(await signalbox(['deploy', 'd', '--follow', '--timeout', '5'], { now: () => (clock += 2_000) })).toMatchObject({
    exit: 8,
    err: 'error: after 5 s not up yet: a, b\n  next: It goes on by itself. See why it takes so long: signalbox board d\n',
  });
});

test('a deployment is stopped', async () => {
  rest.on('POST /deployments/d/stop', { resource: { name: 'd', status: 'ready' } });
  expect((await signalbox(['deploy', 'd', '--stop'])).out).toBe('d ▷ ready: stopped\n');
});

async function complete(...words: string[]): Promise<string[]> {
  const { out, exit, err } = await signalbox(['__complete', '--', ...words]);
  expect([exit, err]).toEqual([0, '']);
  return out.split('\n').filter(Boolean);
}

test('completion offers commands, options, values and names', async () => {
  rest.on('GET /workflows', page([{ name: 'report' }, { name: 'review' }])).on('GET /agents', page([{ name: 'analyst' }]));
  rest
    .on('GET /mcp-servers', page([{ name: 'fs' }]))
    .on('GET /tools', page([{ server: 'fs', name: 'read' }]))
    .on('GET /deployments', page([{ name: 'nine' }]));
  rest.on('GET /runs', page([{ id: 'run_1' }])).on('GET /artifacts', page([{ id: 'artifact_1', name: 'report.md' }]));
  expect(await complete('ru')).toEqual(['run', 'runs']);
  expect(await complete('')).toContain('apply');
  expect(await complete('')).not.toContain('__complete');
  expect(await complete('run', 'rep')).toEqual(['report']);
  expect(await complete('run', 'report', '')).toEqual([]);
  expect(await complete('run', 'report', '--in')).toEqual(['--input']);
  expect(await complete('run', '--')).toEqual(expect.arrayContaining(['--follow', '--json', '--help']));
  expect(await complete('agents', '--kind', '')).toEqual(['http', 'llm', 'mcp', 'worker']);
  expect(await complete('runs', '--status', 'fa')).toEqual(['failed']);
  expect(await complete('runs', '--workflow', 'rev')).toEqual(['review']);
  expect(await complete('artifact', 'list', '--run', '')).toEqual(['run_1']);
  expect(await complete('run', '--input', 'x')).toEqual([]);
  expect(await complete('run', '--input', 'x=1', 'rep')).toEqual(['report']);
  expect(await complete('agents', '')).toEqual(['analyst']);
  expect(await complete('servers', '')).toEqual(['fs']);
  expect(await complete('call', '')).toEqual(['fs/']);
  expect(await complete('call', 'fs/r')).toEqual(['fs/read']);
  expect(await complete('board', '')).toEqual(['nine']);
  expect(await complete('deploy', 'x')).toEqual([]);
  expect(await complete('logs', '')).toEqual(['run_1']);
  expect(await complete('artifact', '')).toEqual(['get', 'list']);
  expect(await complete('artifact', 'get', 'rep')).toEqual(['report.md']);
  expect(await complete('completion', '')).toEqual(['bash', 'fish', 'zsh']);
  expect(await complete('status', '')).toEqual([]);
  expect(await complete()).toContain('apply');
});

test('completion is silent when nothing answers', async () => {
  rest.on('GET /workflows', problem(500, 'internal', 'no')).on('GET /runs', problem(500, 'internal', 'no'));
  expect(await complete('run', '')).toEqual([]);
  expect(await complete('artifact', 'list', '--run', '')).toEqual([]);
  expect((await run(['__complete', '--', 'run', ''], { env: { SIGNALBOX_DATA: '/nowhere' } })).out).toBe('');
});

test('the script for bash works in bash', async () => {
  const { out } = await signalbox(['completion', 'bash']);
  const script = `${out}
signalbox() { shift 2; printf 'offered:%s' "$(IFS='|'; printf '%s' "$*")"; }
COMP_WORDS=(signalbox run "a b" x) COMP_CWORD=3
_signalbox 2>/dev/null
printf '%s' "\${COMPREPLY[0]}"`;
  const { stdout } = await promisify(execFile)('bash', ['-c', script]);
  expect(stdout).toBe('offered:run|a b|x');
  expect((await signalbox(['completion', 'zsh'])).out).toContain('#compdef signalbox');
  expect((await signalbox(['completion', 'fish'])).out).toContain('complete -c signalbox');
  expect((await signalbox(['completion', 'tcsh'])).exit).toBe(2);
});

test('drift is shown as a diff tool shows it, and repaired after a preview', async () => {
  const item = {
    member: 'one',
    aspect: 'version',
    wanted: 'version 2',
    actual: '1 of 1 processes run sha256:1',
    because: 'it was changed',
    repair: 'restart',
  };
  const drift = (items: object[]): object => ({
    name: 'nine',
    started: true,
    since: null,
    items,
    more: 0,
    updatedAt: '2026-11-24T12:00:00Z',
  });
  rest.on('GET /deployments/nine/drift', drift([]));
  const none = await signalbox(['drift', 'nine']);
  expect(none).toMatchObject({ exit: 0, out: 'nine is as its manifest wants it.\n' });
  rest.on('GET /deployments/nine/drift', drift([item]));
  const some = await signalbox(['drift', 'nine']);
  expect(some.exit).toBe(1);
  expect(some.out).toContain('1 of 1 processes run sha256:1');
  expect(some.err).toContain('signalbox drift nine --repair --dry-run');
  expect((await signalbox(['drift', 'nobody'])).exit).toBeGreaterThan(1);
  expect((await signalbox(['drift', '--repair'])).exit).toBe(2);

  const repairs = [{ member: 'one', repair: 'restart', because: 'it was changed', disturbs: { tasks: 2, deployments: ['other'] } }];
  rest.on('POST /deployments/nine/repair', { repairs, left: [], resource: { name: 'nine' } });
  const refused = await signalbox(['drift', 'nine', '--repair']);
  expect(refused.exit).toBe(2);
  expect(refused.out).toContain('Disturbs: 2 tasks in hand; also in: other');
  expect(await signalbox(['drift', 'nine', '--repair', '--yes'])).toMatchObject({
    exit: 0,
    out: expect.stringContaining('is being repaired'),
  });
});
