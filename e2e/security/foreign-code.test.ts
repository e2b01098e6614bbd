import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect } from '@jest/globals';
import { mcpServers } from '@signalbox/testkit/mcp-servers.js';
import { CannotRun, testCase } from '../cases/case.ts';
import { expectOneOf } from '../cases/expect-one-of.ts';
import { root, until } from '../stack-under-test.ts';
import { natsUrl } from './bus-under-attack.ts';
import { raw, type RawAnswer } from './raw-request.ts';
import { TwoWorkspaces } from './two-workspaces.ts';

let two: TwoWorkspaces;
let key: string;
const evil = fileURLToPath(new URL('evil-server.mjs', import.meta.url));

beforeAll(async () => {
  two = await TwoWorkspaces.start();
  key = two.admin;
});
afterAll(() => two?.[Symbol.asyncDispose]());

const apply = (name: string, spec: object, as = key): Promise<RawAnswer> =>
  raw(two.stack, 'PUT', `/api/v1/mcp-servers/${name}`, {
    key: as,
    body: JSON.stringify({ apiVersion: 'signalbox.dev/v1', kind: 'McpServer', metadata: { name }, spec }),
  });

interface ServerView {
  status: string;
  statusReason?: string;
  containment?: string | null;
}
const viewOf = async (name: string): Promise<ServerView> => (await two.stack.rest('GET', `/api/v1/mcp-servers/${name}`)).body as ServerView;

async function startEvil(name: string, spec: object = {}): Promise<void> {
  const answer = await apply(name, { transport: 'stdio', command: ['node', evil, name], ...spec });
  expectOneOf(`apply ${name}: ${answer.text}`, answer.status, [200, 201]);
  await until(`${name} is ready`, async () => (await viewOf(name)).status === 'ready');
}

async function deed(name: string, argumentsOf: object): Promise<string> {
  const { status, body } = await two.stack.rest('POST', `/api/v1/tools/${name}/do/call`, { body: { arguments: argumentsOf } });
  return status === 200 ? (body as { content: { text: string }[] }).content[0]!.text : `${status} ${JSON.stringify(body)}`;
}

/** Processes whose command line has this mark. */
async function processesOf(mark: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (line.split('\0').includes(mark) && Number(pid) !== process.pid) found.push(pid);
  }
  return found;
}

/** The line alone has 1,024. */
const grownMaxMiB = 160;

testCase('A44', 'metacharacters reach no shell; shells, npx -c and variables that load code are refused', async (happened) => {
  const proof = join(two.stack.data, 'pwned');
  const marks = [
    `; touch ${proof}`,
    `$(touch ${proof})`,
    `\`touch ${proof}\``,
    `| touch ${proof}`,
    `&& touch ${proof}`,
    `\ntouch ${proof}`,
  ];
  await startEvil('meta', { command: ['node', evil, ...marks] });
  expect(JSON.parse(await deed('meta', { deed: 'argv' }))).toEqual(expect.arrayContaining(marks));
  expect(existsSync(proof)).toBe(false);
  const refused: object[] = [
    ...['sh', 'bash', '/bin/sh', '/usr/bin/bash', 'dash'].map((shell) => ({ command: [shell, '-c', `touch ${proof}`] })),
    { command: ['npx', '-c', `touch ${proof}`] },
    { command: ['npm', 'exec', '--call=x'] },
    { command: ['env', 'sh', '-c', 'x'] },
    ...['NODE_OPTIONS', 'LD_PRELOAD', 'LD_LIBRARY_PATH', 'BASH_ENV', 'PYTHONSTARTUP', 'npm_config_script_shell', 'PATH'].map((name) => ({
      command: ['node', evil],
      env: { [name]: 'x' },
    })),
    { command: [] },
    { command: ['node', 'a\0b'] },
    { command: `node ${evil}` },
  ];
  for (const spec of refused) {
    const answer = await apply('refused', { transport: 'stdio', ...spec });
    expectOneOf(JSON.stringify(spec), answer.status, [400]);
  }
  expectOneOf(
    'an operator',
    (await apply('refused', { transport: 'stdio', command: ['node', evil] }, (await two.keyOf(['operator'])).key)).status,
    [403],
  );
  expect((await two.stack.rest('GET', '/api/v1/mcp-servers/refused')).status).toBe(404);
  expect(existsSync(proof)).toBe(false);
  happened(`${marks.length} metacharacters are plain arguments; ${refused.length} commands and variables: 400; an operator: 403`);
});

testCase(
  'A45',
  'a stdio server reads /proc, the master key and other folders, and dials NATS, PostgreSQL and the metadata address',
  async (happened) => {
    if (!existsSync('/usr/bin/bwrap')) throw new CannotRun('bubblewrap is not installed');
    await startEvil('prying');
    const { containment } = await viewOf('prying');
    expect(containment).toBe('strong');
    const { data } = two.stack;
    for (const path of [
      join(data, 'security', 'master.key'),
      join(data, 'admin.key'),
      join(data, 'passwords.json'),
      join(data, 'creds', 'security.creds'),
      '/etc/shadow',
      '/root/.bashrc',
      join(root, 'package.json'),
      `/proc/${(await two.stack.processes()).get('security')}/environ`,
      `/proc/1/root/etc/shadow`,
    ]) {
      expect([path, await deed('prying', { deed: 'read', path })]).toEqual([path, expect.stringMatching(/^refused: /)]);
    }
    const environments = await deed('prying', { deed: 'environments' });
    expect(environments).not.toMatch(/DATABASE_URL|ADMIN_KEY|NATS_CREDS|sbx_/);
    const databasePort = Number(new URL(await two.databaseUrl('superuser')).port);
    for (const [host, port] of [
      ['127.0.0.1', databasePort],
      ['127.0.0.1', Number(new URL(await natsUrl(two.stack)).port)],
      ['127.0.0.1', two.stack.port],
      ['169.254.169.254', 80],
    ] as const) {
      expect([host, port, await deed('prying', { deed: 'dial', host, port })]).toEqual([host, port, expect.stringMatching(/^refused: /)]);
    }
    await startEvil('networked', { network: true });
    const weaker = await viewOf('networked');
    expectOneOf('the level with a network', weaker.containment ?? '', ['medium', 'basic', 'none']);
    happened(`strong: 9 files, all environments and 4 addresses are out of reach; with a network the level shown is ${weaker.containment}`);
  },
);

testCase(
  'A46',
  'a fork bomb, a balloon, a line of 1 GB, a flood of stderr, an ignored SIGTERM and a double fork',
  async (happened) => {
    const seen: string[] = [];
    const memory = async (): Promise<number> =>
      Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${(await two.stack.processes()).get('mcp-server')}/status`, 'utf8'))![1]) / 1024;
    const before = await memory();
    for (const [name, what] of [
      ['fork', 'fork'],
      ['balloon', 'balloon'],
      ['line', 'line'],
    ] as const) {
      await startEvil(name, { callTimeoutMs: 20_000, restart: { initialMs: 250, maxMs: 250, crashesMax: 1, withinMs: 600_000 } });
      const since = performance.now();
      const answer = await deed(name, { deed: what });
      expect([name, answer]).toEqual([name, expect.stringMatching(/^(?:429|503|504|200 .*isError)/)]);
      await two.stack.rest('DELETE', `/api/v1/mcp-servers/${name}`);
      await until(`the tree of ${name} is gone`, async () => (await processesOf(name)).length === 0, 5_000);
      seen.push(`${name}: ${answer.slice(0, 3)} after ${((performance.now() - since) / 1000).toFixed(1)} s`);
    }
    await startEvil('flood');
    expect(await deed('flood', { deed: 'flood', megabytes: 64 })).toBe('flooded');
    await startEvil('stay');
    expect(await deed('stay', { deed: 'stay' })).toBe('stays');
    const stopping = performance.now();
    await two.stack.rest('DELETE', '/api/v1/mcp-servers/stay');
    await until('the tree that ignores SIGTERM is gone', async () => (await processesOf('stay')).length === 0, 5_000);
    seen.push(`an ignored SIGTERM with a double fork: gone after ${((performance.now() - stopping) / 1000).toFixed(1)} s`);
    // What was kept stays; garbage goes as further requests are served, and not all of the room that it took goes back to the system.
    let grown = Infinity;
    for (const end = performance.now() + 15_000; grown >= grownMaxMiB && performance.now() < end; grown = (await memory()) - before) {
      expect((await two.stack.rest('GET', '/api/v1/mcp-servers')).status).toBe(200);
    }
    expect(grown).toBeLessThan(grownMaxMiB);
    happened(`${seen.join('; ')}; 64 MB of stderr are bounded; mcp-server grew by ${grown.toFixed(0)} MiB`);
  },
  120_000,
);

testCase('A47', 'the filesystem server by ../, a sibling, a link and a swap race', async (happened) => {
  const served = join(two.stack.data, '..', 'served', 'data');
  await mkdir(join(served, 'inner'), { recursive: true });
  await mkdir(`${served}-evil`);
  await writeFile(join(served, 'mine.txt'), 'mine');
  for (const file of [join(served, '..', 'above.txt'), `${served}-evil/secret.txt`]) await writeFile(file, 'SECRET');
  await symlink(join(served, '..', 'above.txt'), join(served, 'link.txt'));
  await symlink(`${served}-evil`, join(served, 'folder-link'));
  const [, ...program] = mcpServers.filesystem(served);
  const answer = await apply('files', { transport: 'stdio', command: ['node', ...program], roots: [served] });
  expectOneOf(answer.text, answer.status, [200, 201]);
  await until('it is ready', async () => (await viewOf('files')).status === 'ready');
  const read = async (path: string): Promise<string> =>
    JSON.stringify((await two.stack.rest('POST', '/api/v1/tools/files/read_text_file/call', { body: { arguments: { path } } })).body);
  expect(await read(join(served, 'mine.txt'))).toContain('mine');
  const paths = [
    `${served}/../above.txt`,
    `${served}-evil/secret.txt`,
    `${served}/link.txt`,
    `${served}/folder-link/secret.txt`,
    `${served}/inner/../../above.txt`,
    '/etc/passwd',
    '/proc/self/environ',
  ];
  for (const path of paths) expect([path, await read(path)]).toEqual([path, expect.not.stringMatching(/SECRET|root:|DATABASE_URL/)]);
  let isOver = false;
  const target = join(served, 'swapped.txt');
  const swap = (async () => {
    while (!isOver) {
      await writeFile(`${target}.new`, 'fine');
      await rename(`${target}.new`, target);
      await symlink(join(served, '..', 'above.txt'), `${target}.new`);
      await rename(`${target}.new`, target);
    }
  })();
  let reads = 0;
  for (const end = performance.now() + 3_000; performance.now() < end; reads++) expect(await read(target)).not.toContain('SECRET');
  isOver = true;
  await swap;
  await rm(join(served, '..'), { recursive: true });
  happened(`${paths.length} paths out: nothing; ${reads} reads while a link was swapped in: nothing`);
});

let hits = 0;
let honeypot: Server;
const internal = [
  'http://127.0.0.1:PORT/',
  'http://localhost:PORT/',
  'http://[::1]:PORT/',
  'http://0.0.0.0:PORT/',
  'http://[::ffff:127.0.0.1]:PORT/',
  'http://[::ffff:7f00:1]:PORT/',
  'http://2130706433:PORT/',
  'http://0x7f000001:PORT/',
  'http://0177.0.0.1:PORT/',
  'http://127.1:PORT/',
  'http://10.0.0.1/',
  'http://172.16.0.1/',
  'http://192.168.1.1/',
  'http://100.64.0.1/',
  'http://169.254.169.254/latest/meta-data/',
  'http://168.63.129.16/machine',
  'http://[64:ff9b::7f00:1]/',
  'http://[fe80::1]/',
  'http://[fd00::1]/',
  'http://localhost.:PORT/',
  'http://user:pass@127.0.0.1:PORT/',
  'file:///etc/passwd',
  'gopher://127.0.0.1:PORT/',
];

testCase(
  'A48',
  'URLs of MCP servers, agents and providers that lead inside are blocked, and nothing is echoed',
  async (happened) => {
    honeypot = createServer((_, response) => {
      hits++;
      response.end('INTERNAL-SECRET');
    }).listen(0, '127.0.0.1');
    try {
      await new Promise((resolve) => honeypot.once('listening', resolve));
      const { port } = honeypot.address() as { port: number };
      let count = 0;
      for (const template of internal) {
        const url = template.replace('PORT', String(port));
        const name = `inside-${count++}`;
        const server = await apply(name, { transport: 'streamable-http', url, startTimeoutMs: 2_000 });
        const agent = await raw(two.stack, 'PUT', `/api/v1/agents/${name}`, {
          key,
          body: JSON.stringify({
            apiVersion: 'signalbox.dev/v1',
            kind: 'Agent',
            metadata: { name },
            spec: { kind: 'http', description: 'x', skills: [{ name: 'do', description: 'x' }], http: { url } },
          }),
        });
        const model = await raw(two.stack, 'PUT', `/api/v1/agents/${name}-llm`, {
          key,
          body: JSON.stringify({
            apiVersion: 'signalbox.dev/v1',
            kind: 'Agent',
            metadata: { name: `${name}-llm` },
            spec: { kind: 'llm', description: 'x', llm: { model: 'm', provider: { baseUrl: url, apiKey: 'env' } } },
          }),
        });
        for (const answer of [server, agent, model]) expect(answer.text).not.toContain('INTERNAL-SECRET');
        for (const [path, made] of [
          [`/api/v1/agents/${name}/invoke`, agent],
          [`/api/v1/agents/${name}-llm/invoke`, model],
        ] as const) {
          if (made.status >= 300) continue;
          const invoked = await raw(two.stack, 'POST', `${path}?waitMs=4000`, {
            key,
            body: JSON.stringify({ ...(path.includes('llm') ? {} : { skill: 'do' }), input: path.includes('llm') ? 'x' : {} }),
          });
          expect([url, invoked.text]).toEqual([url, expect.not.stringContaining('INTERNAL-SECRET')]);
        }
        if (server.status < 300) {
          await until(`${url} was tried`, async () => (await viewOf(name)).status !== 'starting', 3_000).catch(() => undefined);
          expect([url, (await viewOf(name)).status]).toEqual([url, expect.not.stringMatching('ready')]);
          await two.stack.rest('DELETE', `/api/v1/mcp-servers/${name}`);
        }
      }
      expect(hits).toBe(0);
      happened(`${internal.length} addresses as MCP server, agent and provider: the listener inside was reached ${hits} times`);
    } finally {
      honeypot.close();
    }
  },
  180_000,
);

testCase('A55', "a worker takes or completes another's task, or an old one", async (happened) => {
  const { stack } = two;
  for (const name of ['mine', 'yours']) {
    await raw(stack, 'PUT', `/api/v1/agents/${name}`, {
      key,
      body: JSON.stringify({
        apiVersion: 'signalbox.dev/v1',
        kind: 'Agent',
        metadata: { name },
        spec: { kind: 'worker', description: 'x', skills: [{ name: 'do', description: 'x' }], worker: {} },
      }),
    });
  }
  const agents = new Map<string, string>();
  for (const name of ['mine', 'yours']) agents.set(name, ((await stack.rest('GET', `/api/v1/agents/${name}`)).body as { id: string }).id);
  const workerKey = async (name: string): Promise<string> =>
    (
      (await stack.rest('POST', '/api/v1/keys', { body: { name: `worker ${name}`, agent: { id: agents.get(name), name } } })).body as {
        key: string;
      }
    ).key;
  const [mine, yours] = [await workerKey('mine'), await workerKey('yours')];
  const ask = (as: string, path: string, body: object): Promise<RawAnswer> =>
    raw(stack, 'POST', `/api/v1/workers/${path}`, { key: as, body: JSON.stringify(body) });
  await raw(stack, 'PUT', '/api/v1/workflows/tasked', {
    key,
    body: JSON.stringify({
      apiVersion: 'signalbox.dev/v1',
      kind: 'Workflow',
      metadata: { name: 'tasked' },
      spec: { steps: { a: { agent: 'mine', skill: 'do', timeout: '20s' } } },
    }),
  });
  const run = (await stack.rest('POST', '/api/v1/workflows/tasked/runs', { body: {} })).body as { id: string };
  expectOneOf("another's queue", (await ask(yours, 'lease', { agent: 'mine', instance: 'y', credit: 1, waitMs: 0 })).status, [403, 404]);
  const leased = await ask(mine, 'lease', { agent: 'mine', instance: 'm', credit: 1, waitMs: 10_000 });
  const { task } = (leased.body as { tasks: { task: string }[] }).tasks[0]!;
  for (const [what, as, instance] of [
    ["another agent's key", yours, 'm'],
    ["another's instance", mine, 'other'],
    ["another workspace's key", two.theirs.key, 'm'],
  ] as const) {
    expectOneOf(`accept with ${what}`, (await ask(as, 'accept', { task, instance })).status, [403, 404, 409]);
    expectOneOf(`complete with ${what}`, (await ask(as, 'complete', { task, instance, output: 'forged' })).status, [403, 404, 409]);
  }
  expect((await ask(mine, 'accept', { task, instance: 'm' })).status).toBe(200);
  expectOneOf(
    "complete with another's instance",
    (await ask(mine, 'complete', { task, instance: 'other', output: 'forged' })).status,
    [403, 404, 409],
  );
  expect((await ask(mine, 'complete', { task, instance: 'm', output: 'true result' })).status).toBe(200);
  expectOneOf(
    'complete once more, otherwise',
    (await ask(mine, 'complete', { task, instance: 'm', output: 'changed' })).status,
    [200, 404, 409],
  );
  await until(
    'the run ends',
    async () => ((await stack.rest('GET', `/api/v1/runs/${run.id}`)).body as { status: string }).status === 'succeeded',
  );
  const steps = JSON.stringify((await stack.rest('GET', `/api/v1/runs/${run.id}/steps/a`)).body);
  expect(steps).toContain('true result');
  expect(steps).not.toMatch(/forged|changed/);
  expectOneOf('an old task', (await ask(mine, 'accept', { task, instance: 'm' })).status, [404, 409]);
  happened('foreign key, foreign instance, foreign workspace, twice and late: refused; the true result stands');
});
