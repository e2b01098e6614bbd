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

const agent = {
  id: 'agent_1',
  name: 'analyst',
  kind: 'worker',
  description: 'Reads code',
  labels: {},
  status: 'degraded',
  statusReason: 'one of two instances is gone',
  version: 3,
  hash: 'sha256:0123456789abcdef0123',
  skills: [{ name: 'plan', description: 'Plans' }, { name: 'analyse' }],
  instances: { live: 1, capacity: 4, inFlight: 2 },
  breaker: 'open',
  createdAt: '2026-11-24T11:00:00Z',
  updatedAt: '2026-11-24T11:58:10Z',
};
const plain = {
  ...agent,
  name: 'keeper',
  kind: 'mcp',
  description: '',
  status: 'healthy',
  statusReason: undefined,
  breaker: undefined,
  skills: [],
};

test('agents are a table, one agent a page', async () => {
  rest
    .on('GET /agents', page([agent, plain]))
    .on('GET /agents/analyst', agent)
    .on('GET /agents/keeper', plain);
  expect((await signalbox(['agents'])).out).toBe(
    [
      'AGENT    KIND    STATUS      VERSION  LIVE  BUSY  SKILLS',
      'analyst  worker  ▲ degraded        3     1   2/4  plan, analyse',
      'keeper   mcp     ✔ healthy         3     1   2/4',
      '',
    ].join('\n'),
  );
  expect((await signalbox(['agents', 'analyst'])).out).toBe(
    [
      'analyst  ▲ degraded: one of two instances is gone',
      'Reads code',
      '',
      'kind       worker',
      'version    3 sha256:0123456789ab',
      'instances  1 live, 2 of 4 busy',
      'breaker    open',
      'changed    2 min ago',
      '',
      'SKILL    DESCRIPTION',
      'plan     Plans',
      'analyse',
      '',
    ].join('\n'),
  );
  expect((await signalbox(['agents', 'keeper'])).out).toContain('keeper  ✔ healthy\n\nkind       mcp');
  await signalbox(['agents', '--kind', 'mcp', '--status', 'healthy', '--q', 'keep', '--limit', '7']);
  expect(rest.seen.at(-1)?.query).toEqual({ kind: 'mcp', status: 'healthy', q: 'keep', limit: '7' });
  expect(JSON.parse((await signalbox(['agents', '--json'])).out)).toEqual(JSON.parse(JSON.stringify([agent, plain])));
  expect(JSON.parse((await signalbox(['--json', 'agents', 'analyst'])).out)).toEqual(JSON.parse(JSON.stringify(agent)));
});

test('empty lists say what fills them', async () => {
  for (const path of ['/agents', '/mcp-servers', '/tools', '/runs', '/artifacts']) rest.on(`GET ${path}`, page([]));
  expect((await signalbox(['agents'])).out).toContain('signalbox apply -f FILE');
  expect((await signalbox(['servers'])).out).toContain('No MCP servers yet');
  expect((await signalbox(['tools'])).out).toContain('No tools here');
  expect((await signalbox(['runs'])).out).toContain('No runs yet');
  expect((await signalbox(['artifact', 'list'])).out).toBe('No artifacts yet.\n');
});

test('a list that goes on says so on standard error', async () => {
  rest.on('GET /agents', page([plain, plain, plain]));
  const { out, err, exit } = await signalbox(['agents', '--limit', '2']);
  expect(out.trim().split('\n')).toHaveLength(3);
  expect([err, exit]).toEqual(['There are more: --limit 4\n', 0]);
});

test('servers are a table, one server a page with its last words', async () => {
  const server = {
    name: 'filesystem',
    transport: 'stdio',
    status: 'failed',
    statusReason: 'it ended with code 1',
    containment: 'strong',
    tools: 0,
    restarts: 5,
    nextAttemptAt: '2026-11-24T12:01:00Z',
    startedAt: undefined,
  };
  rest.on('GET /mcp-servers', page([server]));
  rest.on('GET /mcp-servers/filesystem', {
    ...server,
    serverInfo: { name: 'fs', version: '1' },
    stderr: ['\u001b[31mno such folder\u001b[0m'],
  });
  rest.on('GET /mcp-servers/memory', {
    ...server,
    name: 'memory',
    statusReason: undefined,
    status: 'ready',
    containment: undefined,
    startedAt: '2026-11-24T12:00:00Z',
    nextAttemptAt: undefined,
    serverInfo: null,
    stderr: [],
  });
  expect((await signalbox(['servers'])).out).toBe(
    'SERVER      TRANSPORT  STATUS    TOOLS  RESTARTS  REASON\nfilesystem  stdio      ✖ failed      0         5  it ended with code 1\n',
  );
  expect((await signalbox(['servers', 'filesystem'])).out).toBe(
    [
      'filesystem  ✖ failed: it ended with code 1',
      '',
      'transport    stdio',
      'server       fs 1',
      'containment  strong',
      'tools        0',
      'restarts     5',
      'started      not now',
      'next try     2026-11-24T12:01:00Z',
      '',
      'its standard error',
      '  no such folder',
      '',
    ].join('\n'),
  );
  expect((await signalbox(['servers', 'memory'])).out).toBe(
    'memory  ✔ ready\n\ntransport    stdio\ntools        0\nrestarts     5\nstarted      10 s ago\n'.replace('✔', '▷'),
  );
});

test('tools are a table, one tool shows what it takes', async () => {
  const tool = {
    server: 'fs',
    name: 'read',
    title: 'Read',
    description: 'Reads a file',
    inputSchema: { type: 'object' },
    outputSchema: { type: 'string' },
  };
  rest.on('GET /tools', page([{ ...tool, name: 'list', outputSchema: undefined }, tool]));
  expect((await signalbox(['tools'])).out).toBe('TOOL     DESCRIPTION\nfs/list  Reads a file\nfs/read  Reads a file\n');
  await signalbox(['tools', 'fs']);
  expect(rest.seen.at(-1)?.query).toEqual({ server: 'fs', limit: '50' });
  const detail = { ...tool, hash: 'a', pin: 'a', firstSeenAt: '2026-11-20T12:00:00Z' };
  rest
    .on('GET /tools/fs/read', detail)
    .on('GET /tools/fs/list', { ...detail, name: 'list', outputSchema: undefined, title: undefined, hash: 'b' });
  expect((await signalbox(['tools', 'fs/read'])).out).toBe(
    'fs/read  Read\nReads a file\n\ntakes\n{\n  "type": "object"\n}\n\ngives\n{\n  "type": "string"\n}\n\nCall it: signalbox call fs/read --args \'{…}\'\n',
  );
  const changed = (await signalbox(['tools', 'fs/list'])).out;
  expect(changed).not.toContain('gives');
  expect(changed).toContain('What it says of itself has changed since 2026-11-20T12:00:00Z.');
  expect(await signalbox(['tools', 'fs/write'])).toMatchObject({ exit: 5 });
});

test('status shows the services and how all else stands; a service that is down is exit code 1', async () => {
  const up = {
    name: 'registry',
    status: 'up',
    version: '0.1.0',
    uptimeS: 61,
    latencyMs: 1.24,
    memoryBytes: 100 * 1024 * 1024,
    detail: null,
  };
  rest.on('GET /system/services', page([up]));
  rest
    .on('GET /agents', page([plain, plain, agent]))
    .on('GET /mcp-servers', page([]))
    .on('GET /deployments', page([{ status: 'done' }]));
  rest.on('GET /runs', page([{ id: 'run_1' }]));
  const good = await signalbox(['status']);
  expect(good.out).toBe(
    [
      `Signalbox at ${rest.url} (SIGNALBOX_URL)`,
      '',
      'SERVICE   STATUS     UP FOR  ANSWERS IN   MEMORY  DETAIL',
      'registry  ✔ up    1 min 1 s      1.2 ms  100 MiB',
      '',
      'agents       2 ✔ healthy, 1 ▲ degraded',
      'MCP servers  none yet',
      'deployments  1 ✔ done',
      'runs         1 running',
      '',
    ].join('\n'),
  );
  expect(good.exit).toBe(0);
  const down = {
    ...up,
    name: 'context',
    status: 'down',
    uptimeS: undefined,
    latencyMs: undefined,
    memoryBytes: undefined,
    detail: 'it does not answer',
  };
  rest
    .on('GET /system/services', page([up, down]))
    .on('GET /runs', problem(404, 'not_found', 'none'))
    .on('GET /mcp-servers', problem(403, 'forbidden', 'no'));
  const bad = await signalbox(['status']);
  expect(bad.out).toContain('✖ down');
  expect(bad.out).toContain('runs         not known: the service does not answer');
  expect(bad.err).toContain('error: 1 service of 2 is down: context');
  expect(bad.exit).toBe(1);
  const json = JSON.parse((await signalbox(['status', '--json'])).out) as object;
  expect(json).toMatchObject({
    url: rest.url,
    agents: { healthy: 2, degraded: 1 },
    mcpServers: null,
    deployments: { done: 1 },
    runsRunning: null,
  });
  rest.on('GET /system/services', page([down, down]));
  expect((await signalbox(['status'])).err).toContain('2 services of 2 are down');
});

const runOf = (more: object = {}): object => ({
  id: 'run_1',
  workflow: 'report',
  status: 'running',
  reason: null,
  labels: {},
  error: null,
  createdAt: '2026-11-24T12:00:00Z',
  startedAt: '2026-11-24T12:00:00Z',
  endedAt: null,
  progress: { total: 9, done: 4, running: 2, waiting: 1, failed: 0 },
  ...more,
});
const step = (key: string, more: object = {}): object => ({
  key,
  step: key.replace(/\[.*/, ''),
  index: /\[(\d+)\]/.exec(key) ? Number(/\[(\d+)\]/.exec(key)?.[1]) : null,
  kind: 'agent',
  label: key,
  status: 'succeeded',
  agent: 'analyst',
  skill: 'analyse',
  tool: null,
  needs: [],
  waitingFor: [],
  startedAt: '2026-11-24T12:00:01Z',
  endedAt: '2026-11-24T12:00:03Z',
  attempts: [{ number: 1 }],
  error: null,
  ...more,
});

test('runs are a table', async () => {
  rest.on(
    'GET /runs',
    page([
      runOf(),
      runOf({ id: 'run_2', status: 'failed', endedAt: '2026-11-24T12:00:04Z', error: { code: 'timeout', detail: 'too slow' } }),
    ]),
  );
  expect((await signalbox(['runs', '--workflow', 'report', '--status', 'failed'])).out).toBe(
    [
      'RUN    WORKFLOW  STATUS     STEPS   STARTED    TOOK  REASON',
      'run_1  report    ◐ running    4/9  10 s ago  10.0 s',
      'run_2  report    ✖ failed     4/9  10 s ago  4.00 s  too slow',
      '',
    ].join('\n'),
  );
  expect(rest.seen.at(-1)?.query).toMatchObject({ workflow: 'report', status: 'failed' });
});

test('one run is a tree of its steps', async () => {
  const steps = [
    step('plan', { kind: 'value', agent: null, skill: null }),
    step('analyse[0]', { input: { root: 1, id: 'apps/registry' } }),
    step('analyse[1]', { status: 'failed', attempts: [{}, {}], error: { code: 'timeout', detail: 'too slow' } }),
    step('call', {
      status: 'queued',
      agent: null,
      tool: 'fs/read',
      startedAt: null,
      endedAt: null,
      waitingFor: [{ on: 'agent:fs', because: 'it is busy' }],
    }),
    step('last', { label: 'the last', status: 'skipped', skill: null }),
  ];
  rest.on(
    'GET /runs/run_1',
    runOf({ steps, status: 'failed', reason: 'a step failed', error: { code: 'timeout', detail: 'too slow', next: 'Give it time.' } }),
  );
  expect((await signalbox(['runs', 'run_1'])).out).toBe(
    [
      'report run_1  ✖ failed: a step failed  4 of 9 steps  10.0 s',
      '✔ plan      value  2.00 s',
      '✖ analyse   analyst/analyse  1 of 2  2.00 s',
      '  ✔ analyse[0]  analyst/analyse  apps/registry  2.00 s',
      '  ✖ analyse[1]  analyst/analyse  2.00 s  attempt 2',
      '      timeout: too slow',
      '‖ call      fs/read  waits for agent:fs: it is busy',
      '– last      analyst  the last',
      '',
      'failed: too slow Give it time.',
      '',
    ].join('\n'),
  );
});

test('whoami tells person, rights and place', async () => {
  rest.on('GET /whoami', {
    workspace: 'w1',

    principal: 'user_1',
    name: 'ana',
    roles: ['admin'],
    scopes: ['runs:read'],
  });
  expect((await signalbox(['whoami'])).out).toBe(
    `ana (user_1)\nroles      admin\nscopes     runs:read\nworkspace  w1\nat         ${rest.url} (SIGNALBOX_URL)\n`,
  );
  rest.on('GET /whoami', { workspace: 'w1', principal: 'user_1', name: 'ana', roles: [], scopes: [] });
  expect((await signalbox(['whoami', '--url', rest.url])).out).toContain(`workspace  w1\nat         ${rest.url} (--url)`);
  expect(JSON.parse((await signalbox(['whoami', '--json'])).out)).toMatchObject({ url: rest.url, name: 'ana' });
});

const artifact = (more: object = {}): object => ({
  id: 'artifact_01arz3ndektsv4rrffq69g5fav',
  name: 'report.md',
  mediaType: 'text/markdown',
  size: 2048,
  run: 'run_1',
  createdAt: '2026-11-24T12:00:00Z',
  ...more,
});

test('artifacts are listed, read by id or name, written to files; binary ones only to files', async () => {
  const { temporaryFolder } = await import('./terminal-double.ts');
  const { readFile } = await import('node:fs/promises');
  const { Reply } = await import('./rest-double.ts');
  await using folder = await temporaryFolder();
  const id = 'artifact_01arz3ndektsv4rrffq69g5fav';
  rest.on('GET /artifacts', page([artifact({ id: 'artifact_2', name: 'x.png', mediaType: 'image/png', run: null }), artifact()]));
  rest.on(`GET /artifacts/${id}`, artifact());
  rest.on(`GET /artifacts/${id}/content`, new Reply(200, '# Report\n\u001b[2Jgone\u202e', { 'content-type': 'text/markdown' }));
  rest.on('GET /artifacts/artifact_2/content', new Reply(200, 'PNG'));
  expect((await signalbox(['artifact', 'list', '--run', 'run_1'])).out).toBe(
    [
      'ARTIFACT                             NAME       TYPE              SIZE      MADE  RUN',
      'artifact_2                           x.png      image/png      2.0 KiB  10 s ago',
      `${id}  report.md  text/markdown  2.0 KiB  10 s ago  run_1`,
      '',
    ].join('\n'),
  );
  expect((await signalbox(['artifact', 'get', id])).out).toBe('# Report\n\u001b[2Jgone\u202e\n');
  expect((await signalbox(['artifact', 'get', 'report.md'], { terminal: 80 })).out).toBe('# Report\ngone\n');
  expect((await signalbox(['report'], { terminal: 80 })).out).toBe('# Report\ngone\n');
  expect(JSON.parse((await signalbox(['report', 'run_1', '--json'])).out)).toMatchObject({ id, content: '# Report\n\u001b[2Jgone\u202e' });
  expect((await signalbox(['report', '-o', 'r.md'], { cwd: folder.path })).out).toBe('report.md (2.0 KiB) written to r.md\n');
  expect(await readFile(`${folder.path}/r.md`, 'utf8')).toBe('# Report\n\u001b[2Jgone\u202e');
  expect(await signalbox(['artifact', 'get', 'x.png'])).toMatchObject({
    exit: 2,
    err: 'error: x.png is image/png, not text\n  next: Write it to a file: -o FILE\n',
  });
  expect(await signalbox(['artifact', 'get', 'x.png', '-o', '/nowhere/at/all'])).toMatchObject({ exit: 1 });
  expect(await signalbox(['artifact', 'get', 'none.md', '--run', 'run_9'])).toMatchObject({
    exit: 5,
    err: expect.stringContaining('there is no artifact none.md of the run run_9'),
  });
  rest.on('GET /artifacts', page([]));
  expect(await signalbox(['report'])).toMatchObject({ exit: 5, err: expect.stringContaining('there is no report yet') });
  expect(await signalbox(['report', 'run_9'])).toMatchObject({ exit: 5, err: expect.stringContaining('the run run_9 has no report') });
});

test('a tool is called with arguments from all places, its answer printed, its failure an exit code', async () => {
  rest.on('POST /tools/fs/read/call', {
    content: [
      { type: 'text', text: 'hello \u001b[31mred\u001b[0m' },
      { type: 'image', data: 'AAAA', mimeType: 'image/png' },
      { type: 'resource', resource: { uri: 'file:///a' } },
    ],
    isError: false,
  });
  const good = await signalbox(
    ['call', 'fs/read', '--args', '{"path":"/a"}', '--input', 'head=3', '--input', 'text=plain', '--input', 'as="3"'],
    { terminal: 80 },
  );
  expect(good).toEqual({
    exit: 0,
    out: 'hello red\n[image, image/png, 3 bytes: --json has them]\n{\n  "type": "resource",\n  "resource": {\n    "uri": "file:///a"\n  }\n}\n',
    err: '',
  });
  expect(rest.seen.at(-1)?.body).toEqual({ arguments: { path: '/a', head: 3, text: 'plain', as: '3' } });
  await signalbox(['call', 'fs/read', '--args', '-'], { stdin: 'path: /b\n' });
  expect(rest.seen.at(-1)?.body).toEqual({ arguments: { path: '/b' } });
  rest.on('POST /tools/fs/read/call', { content: [{ type: 'text', text: 'no such file' }], isError: true });
  expect(await signalbox(['call', 'fs/read'])).toEqual({
    exit: 1,
    out: 'no such file\n',
    err: 'error: the tool fs/read says that it failed\n  next: See what it takes: signalbox tools fs/read\n',
  });
  expect(JSON.parse((await signalbox(['call', 'fs/read', '--json'])).out)).toMatchObject({ isError: true });
  for (const wrong of ['fs', 'fs/', '/read', 'a/b/c']) expect((await signalbox(['call', wrong])).exit).toBe(2);
});

const incident = {
  ...{ id: 'incident_1', cause: 'errors', title: 'analyst: an instance answers with errors', severity: 'high', status: 'open' },
  ...{ agents: ['analyst'], faults: 2, owner: 'Ann', onCall: null, runbook: 'https://runbooks.test/analyst', remindAt: null },
  ...{ openedAt: '2026-11-24T11:00:00Z', updatedAt: '2026-11-24T11:58:10Z' },
  ...{ acknowledgedBy: null, acknowledgedAt: null, resolvedBy: null, resolvedAt: null },
};

test('incidents are a table, one with its timeline a page; they are acknowledged, noted and closed', async () => {
  const entry = { at: '2026-11-24T11:00:00Z', stage: 'isolated', agent: 'analyst', instance: 'i3', by: 'registry', text: 'out of routing' };
  rest
    .on('GET /incidents', page([incident]))
    .on('GET /incidents/incident_1', { ...incident, timeline: [entry], dropped: 3 })
    .on('POST /incidents/incident_1/acknowledge', ({ body }) => ({ ...incident, status: 'acknowledged', title: JSON.stringify(body) }))
    .on('POST /incidents/incident_1/notes', incident)
    .on('POST /incidents/incident_1/resolve', { ...incident, status: 'resolved' });
  expect((await signalbox(['incidents', '--status', 'open'])).out).toMatch(
    /INCIDENT.*\nincident_1\s+.*open\s+high\s+2\s.*Ann\s+analyst: an instance answers with errors/,
  );
  const { out } = await signalbox(['incidents', 'incident_1']);
  for (const part of [
    'owner: Ann',
    'runbook: https://runbooks.test/analyst',
    'analyst/i3',
    'out of routing',
    '3 later entries',
    'signalbox ack',
  ])
    expect(out).toContain(part);
  expect((await signalbox(['ack', 'incident_1', '--note', 'on it'])).out).toContain('acknowledged {"note":"on it"}');
  expect((await signalbox(['note', 'incident_1', 'the disk'])).out).toContain('noted in analyst');
  expect((await signalbox(['close', 'incident_1'])).out).toContain('resolved analyst');
  rest.on('GET /incidents', page([]));
  expect((await signalbox(['incidents'])).out).toBe('No incidents.\n');
});

test('agents and instances are isolated with a reason, listed with the next attempt, recovered and let in again', async () => {
  const isolation = {
    ...{ agent: 'analyst', instance: 'i3', cause: 'errors', because: 'it fails', state: 'isolated', attempt: 1, by: 'registry' },
    ...{ since: '2026-11-24T11:00:00Z', nextAt: null, incident: 'incident_1' },
  };
  rest
    .on('GET /isolations', page([isolation, { ...isolation, instance: null }]))
    .on('POST /agents/analyst/isolate', ({ body }) => ({ resource: { ...isolation, because: JSON.stringify(body) } }))
    .on('POST /agents/analyst/recover', { resource: isolation })
    .on('POST /agents/analyst/release', { agent: 'analyst' });
  expect((await signalbox(['isolations'])).out).toMatch(/analyst\s+i3\s+.*isolated[^]*analyst\s+all/);
  expect(await signalbox(['isolate', 'analyst'])).toMatchObject({ exit: 2 });
  const isolated = await signalbox(['isolate', 'analyst', 'i3', '--reason', 'odd', '--json']);
  expect((JSON.parse(isolated.out) as { because: string }).because).toBe('{"reason":"odd","instance":"i3"}');
  expect((await signalbox(['recover', 'analyst', 'i3'])).out).toContain('analyst/i3 is being recovered');
  expect((await signalbox(['unisolate', 'analyst'])).out).toBe('analyst is let in again\n');
});
