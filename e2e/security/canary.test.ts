import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect } from '@jest/globals';
import { withClient } from '@signalbox/stack/database/connect.js';
import { testCase } from '../cases/case.ts';
import { until } from '../stack-under-test.ts';
import { raw } from './raw-request.ts';
import { TwoWorkspaces } from './two-workspaces.ts';

const canary = (slot: string): string => `canary-${slot}-Zq7${crypto.randomUUID().replaceAll('-', '')}`;
const canaries = {
  environment: canary('environment'),
  'http header': canary('http-header'),
  'mcp header': canary('mcp-header'),
  'provider of an agent': canary('agent-provider'),
  'provider of the installation': canary('provider'),
  replaced: canary('replaced'),
  removed: canary('removed'),
};

let two: TwoWorkspaces;
let key: string;

beforeAll(async () => {
  two = await TwoWorkspaces.start({
    OPENAI_API_KEY: canaries['provider of the installation'],
    OPENAI_BASE_URL: 'http://127.0.0.1:9/v1',
    LOG_LEVEL: 'debug',
  });
  key = two.admin;
});
afterAll(() => two?.[Symbol.asyncDispose]());

const evil = fileURLToPath(new URL('evil-server.mjs', import.meta.url));
const put = (path: string, body: unknown): ReturnType<typeof raw> => raw(two.stack, 'PUT', path, { key, body: JSON.stringify(body) });
const agent = (name: string, spec: object): object => ({
  apiVersion: 'signalbox.dev/v1',
  kind: 'Agent',
  metadata: { name },
  spec: { description: 'x', ...spec },
});
const server = (name: string, spec: object): object => ({ apiVersion: 'signalbox.dev/v1', kind: 'McpServer', metadata: { name }, spec });

testCase(
  'A60',
  'canaries in each slot of a secret, used, echoed and failing; then sought in answers, logs, traces, events, journal, errors and dumps',
  async (happened) => {
    const answers: string[] = [];
    const ask = async (method: string, path: string, body?: unknown): Promise<string> => {
      const answer = await raw(two.stack, method, path, { key, ...(body !== undefined && { body: JSON.stringify(body) }) });
      answers.push(answer.text);
      return answer.text;
    };
    for (const [name, value] of [
      ['environment', canaries.environment],
      ['http-header', canaries['http header']],
      ['mcp-header', canaries['mcp header']],
      ['agent-provider', canaries['provider of an agent']],
      ['changing', canaries.replaced],
      ['changing', canary('second')],
      ['leaving', canaries.removed],
    ] as const) {
      const set = await put(`/api/v1/secrets/${name}`, { value });
      expect([name, set.status < 300, set.text]).toEqual([name, true, expect.not.stringContaining(value)]);
      answers.push(set.text);
    }
    await ask('DELETE', '/api/v1/secrets/leaving');
    await ask('POST', '/api/v1/secrets/rotation', {});
    // A server that shows its environment, writes it to its standard error, and says it in an error.
    await put(
      '/api/v1/mcp-servers/echoing',
      server('echoing', { transport: 'stdio', command: ['node', evil], env: { TOKEN: 'secret://environment' } }),
    );
    await until('it is ready', async () => JSON.parse(await ask('GET', '/api/v1/mcp-servers/echoing')).status === 'ready');
    const shown = await ask('POST', '/api/v1/tools/echoing/do/call', { arguments: { deed: 'env' } });
    expect(shown).toContain('[secret:environment]');
    const base64 = Buffer.from(canaries.environment).toString('base64');
    for (const text of [`${canaries.environment}\n`, `${base64}\n`, `x=${encodeURIComponent(canaries.environment)}\n`])
      await ask('POST', '/api/v1/tools/echoing/do/call', { arguments: { deed: 'say', text } });
    await put('/api/v1/workflows/leaking', {
      apiVersion: 'signalbox.dev/v1',
      kind: 'Workflow',
      metadata: { name: 'leaking' },
      spec: { steps: { a: { tool: 'echoing/do', with: { deed: 'env' } }, b: { value: '${{ steps.a.output }}' } } },
    });
    const { id } = JSON.parse(await ask('POST', '/api/v1/workflows/leaking/runs', {})) as { id: string };
    await until('the run ends', async () => JSON.parse(await ask('GET', `/api/v1/runs/${id}`)).status === 'succeeded');
    await ask('GET', `/api/v1/runs/${id}/events`);
    // Calls that fail on their way: nobody is there, or the address is refused.
    await put(
      '/api/v1/agents/called',
      agent('called', {
        kind: 'http',
        skills: [{ name: 'do', description: 'x' }],
        http: { url: 'http://127.0.0.1:9/', headers: { authorization: 'Bearer secret://http-header' } },
      }),
    );
    await put(
      '/api/v1/agents/thinking',
      agent('thinking', {
        kind: 'llm',
        llm: { model: 'm', provider: { baseUrl: 'https://192.0.2.1/v1', apiKey: 'secret://agent-provider' } },
      }),
    );
    await put('/api/v1/agents/installed', agent('installed', { kind: 'llm', llm: { model: 'm' } }));
    await put(
      '/api/v1/mcp-servers/remote',
      server('remote', {
        transport: 'streamable-http',
        url: 'http://127.0.0.1:9/mcp',
        headers: { authorization: 'Bearer secret://mcp-header' },
        startTimeoutMs: 1_000,
      }),
    );
    await ask('POST', '/api/v1/agents/called/invoke?waitMs=5000', { skill: 'do', input: {} });
    for (const name of ['thinking', 'installed']) await ask('POST', `/api/v1/agents/${name}/invoke?waitMs=5000`, { input: 'x' });
    for (const path of [
      '/api/v1/secrets',
      '/api/v1/mcp-servers',
      '/api/v1/mcp-servers/echoing',
      '/api/v1/mcp-servers/remote',
      '/api/v1/agents',
      '/api/v1/agents/called',
      '/api/v1/agents/thinking',
      '/api/v1/runs',
      '/api/v1/audit?limit=200',
      '/api/v1/breakers',
      '/api/v1/models',
      '/api/v1/system/services',
    ])
      await ask('GET', path);
    await ask('PUT', '/api/v1/secrets/environment', { value: 5 });

    const found: string[] = [];
    const slots = Object.entries(canaries).flatMap(([slot, value]) => [
      [slot, value] as const,
      [`${slot} in base64`, Buffer.from(value).toString('base64').replace(/=+$/, '').slice(0, 40)] as const,
    ]);
    let bytes = 0;
    const look = (where: string, text: string): void => {
      bytes += text.length;
      for (const [slot, value] of slots) if (text.includes(value)) found.push(`${slot} in ${where}`);
    };
    answers.forEach((text, index) => look(`answer ${index}: ${text.slice(0, 80)}`, text));
    const { data } = two.stack;
    for (const name of await readdir(join(data, 'logs'))) look(`the log ${name}`, await readFile(join(data, 'logs', name), 'latin1'));
    for (const entry of await readdir(join(data, 'nats'), { recursive: true, withFileTypes: true }))
      if (entry.isFile()) look(`the event stream, ${entry.name}`, await readFile(join(entry.parentPath, entry.name), 'latin1'));
    let tables = 0;
    await withClient(await two.databaseUrl('superuser'), async (client) => {
      const { rows } = await client.query<{ name: string }>(
        `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
      );
      for (const { name } of rows) {
        tables++;
        // bytea as the text that it may hold
        const { rows: lines } = await client.query<{ line: string }>(`SELECT t::text AS line FROM ${name} t`);
        for (const { line } of lines)
          look(
            `the table ${name}`,
            line.replaceAll(/\\\\?x((?:[0-9a-f]{2})+)/g, (whole, hex: string) => `${whole} ${Buffer.from(hex, 'hex').toString('latin1')}`),
          );
      }
    });
    const file = join(data, 'dump.backup');
    const backup = await two.stack.cli('backup', file, '--data', data);
    if (backup.code === 0) {
      const { gunzipSync } = await import('node:zlib');
      look('a backup', gunzipSync(await readFile(file)).toString('latin1'));
    } else answers.push(backup.err);
    look('the backup command', backup.out + backup.err);
    expect(found).toEqual([]);
    expect(backup.code).toBe(0);
    happened(
      `${Object.keys(canaries).length} canaries, plain and base64, in ${answers.length} answers, all logs at debug, the event stream, ${tables} tables and a backup (${Math.round(bytes / 1e6)} MB): none`,
    );
  },
  120_000,
);
