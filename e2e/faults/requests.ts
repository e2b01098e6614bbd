import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from '@jest/globals';
import type { McpServer } from '@signalbox/sdk/client/mcp-servers.js';
import { worker } from '@signalbox/sdk/worker/worker.js';
import { testCase } from '../cases/case.ts';
import { until, type StackUnderTest } from '../stack-under-test.ts';
import { expectVerified } from './left-behind.ts';
import { asSuperuser } from './servers.ts';

const apiVersion = 'signalbox.dev/v1';
const agent = (name: string): object => ({ apiVersion, kind: 'Agent', metadata: { name }, spec: { kind: 'worker' } });
const server = (name: string, mode: string, more: object = {}): object => ({
  apiVersion,
  kind: 'McpServer',
  metadata: { name },
  spec: {
    transport: 'stdio',
    command: ['node', fixture, mode],
    restart: { initialMs: 50, maxMs: 200, crashesMax: 3, withinMs: 60_000 },
    ...more,
  },
});
const workflow = (name: string, steps: object, more: object = {}): object => ({
  apiVersion,
  kind: 'Workflow',
  metadata: { name },
  spec: { steps, ...more },
});

/** An MCP server that misbehaves as its argument says. */
const fixture = fileURLToPath(new URL('../../apps/mcp-server/test/fixtures/server.mjs', import.meta.url));

/** One change for each service that keeps an audit, and where it would be seen. */
const changes = [
  { service: 'registry', method: 'PUT', path: '/api/v1/agents/f05', body: agent('f05'), seen: '/api/v1/agents/f05' },
  { service: 'mcp_server', method: 'PUT', path: '/api/v1/mcp-servers/f05', body: server('f05', 'good'), seen: '/api/v1/mcp-servers/f05' },
  {
    service: 'execution',
    method: 'PUT',
    path: '/api/v1/workflows/f05',
    body: workflow('f05', { a: { value: 1 } }),
    seen: '/api/v1/workflows/f05',
  },
  { service: 'context', method: 'PUT', path: '/api/v1/state/workspace/f05', body: { value: 1 }, seen: '/api/v1/state/workspace/f05' },
  { service: 'security', method: 'POST', path: '/api/v1/keys', body: { name: 'f05' }, seen: null },
] as const;

/** F05, F12, F25 and F28, on a stack that they leave whole. */
export function requestCases(stackOf: () => StackUnderTest): void {
  testCase('F05', 'no service may write into its outbox, as if its disk were full', async (happened) => {
    const stack = stackOf();
    const setRight = (change: string): Promise<unknown> =>
      asSuperuser(stack, async (client) => {
        for (const { service } of changes) await client.query(change.replaceAll('SERVICE', service));
      });
    const keys = async (): Promise<string> => JSON.stringify((await stack.rest('GET', '/api/v1/keys?q=f05')).body);
    await setRight('REVOKE INSERT ON SERVICE.outbox FROM SERVICE');
    try {
      for (const { service, method, path, body, seen } of changes) {
        expect({ service, ...(await stack.rest(method, path, { body })) }).toMatchObject({
          service,
          status: 503,
          body: { code: 'unavailable', detail: expect.stringContaining('nothing was changed') as unknown },
        });
        expect([service, seen === null ? await keys() : (await stack.rest('GET', seen)).status]).toEqual([
          service,
          seen === null ? expect.not.stringContaining('f05') : 404,
        ]);
      }
      happened(`${changes.length} changes, one a service, refused by 503; nothing of them is there, and reads go on`);
    } finally {
      await setRight('GRANT INSERT ON SERVICE.outbox TO SERVICE');
    }
    for (const { service, method, path, body } of changes) {
      const { status } = await stack.rest(method, path, { body });
      expect([service, Math.floor(status / 100)]).toEqual([service, 2]);
    }
    await stack.rest('DELETE', '/api/v1/mcp-servers/f05');
    happened('the same changes are taken once records can be written');
  });

  testCase('F12', 'a worker is killed in a task', async (happened) => {
    const stack = stackOf();
    const since = Date.now();
    const client = await stack.client();
    const apiKey = await stack.adminKey();
    await client.agents.apply(agent('mortal') as never);
    await client.workflows.apply(
      workflow('f12', { a: { agent: 'mortal', retry: { attempts: 2, backoff: { initialMs: 100, factor: 1, maxMs: 100 } } } }) as never,
    );
    const { id } = await client.workflows.start('f12');
    const child = spawn(process.execPath, [fileURLToPath(new URL('mortal-worker.mjs', import.meta.url))], {
      env: { PATH: process.env['PATH'], SIGNALBOX_URL: stack.url, SIGNALBOX_API_KEY: apiKey, SIGNALBOX_INSTANCE: 'first' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const killed = performance.now();
    child.kill('SIGKILL');
    const second = worker({ agent: 'mortal', url: stack.url, apiKey, log: () => undefined, skills: { work: { run: () => 'done' } } });
    const working = second.run();
    const run = await client.runs.result(id, { signal: AbortSignal.timeout(30_000) });
    happened(`the second attempt was done by another worker, ${Math.round(performance.now() - killed)} ms after the kill`);
    expect(run).toMatchObject({
      status: 'succeeded',
      output: { a: 'done' },
      steps: [
        {
          attempts: [
            { number: 1, status: 'failed', error: { code: 'unavailable' } },
            { number: 2, status: 'succeeded' },
          ],
        },
      ],
    });
    await second.stop();
    await working;
    happened(await expectVerified(stack, since));
  });

  testCase('F12', 'a worker that was given up comes with its result', async (happened) => {
    const stack = stackOf();
    const client = await stack.client();
    const { id } = await client.workflows.start('f12');
    const ask = async (path: string, body: object): Promise<{ status: number; body: unknown }> =>
      stack.rest('POST', `/api/v1/workers/${path}`, { body });
    const lease = async (instance: string): Promise<string> => {
      const { body } = await ask('lease', { agent: 'mortal', instance, credit: 1, waitMs: 20_000 });
      const task = (body as { tasks: { task: string }[] }).tasks[0]!.task;
      expect((await ask('accept', { task, instance })).status).toBe(200);
      return task;
    };
    const late = await lease('silent');
    const silentFrom = performance.now();
    const next = await lease('next'); // given out once nothing was heard of the first for 6 s
    happened(`the next attempt was given out ${Math.round(performance.now() - silentFrom)} ms after the last sign of the first`);
    const refused = await ask('complete', { task: late, instance: 'silent', output: 'late' });
    happened(`the late result was refused by ${refused.status}`);
    expect(refused).toMatchObject({ status: 409, body: { code: 'conflict' } });
    expect((await ask('complete', { task: next, instance: 'next', output: 'in time' })).status).toBe(200);
    expect(await client.runs.result(id, { signal: AbortSignal.timeout(10_000) })).toMatchObject({ output: { a: 'in time' } });
  });

  testCase('F25', 'changes wait in the queue of a stopped service until their deadline has passed', async (happened) => {
    const stack = stackOf();
    const waiting = [
      { name: 'registry', method: 'PUT', path: '/api/v1/agents/f25', body: agent('f25'), seen: '/api/v1/agents/f25' },
      {
        name: 'execution',
        method: 'PUT',
        path: '/api/v1/workflows/f25',
        body: workflow('f25', { a: { value: 1 } }),
        seen: '/api/v1/workflows/f25',
      },
      { name: 'context', method: 'PUT', path: '/api/v1/state/workspace/f25', body: { value: 1 }, seen: '/api/v1/state/workspace/f25' },
    ];
    for (const { seen } of waiting) expect((await stack.rest('GET', seen)).status).toBe(404); // the caller is known everywhere
    for (const { name } of waiting) await stack.kill(name, 'SIGSTOP');
    const from = performance.now();
    const answers = await Promise.all(
      waiting.map(async ({ name, method, path, body }) => {
        const { status, body: problem } = await stack.rest(method, path, { body });
        return { name, status, code: (problem as { code: string }).code, afterMs: Math.round(performance.now() - from) };
      }),
    ).finally(async () => {
      for (const { name } of waiting) await stack.kill(name, 'SIGCONT');
    });
    for (const { name, status, code, afterMs } of answers) happened(`${name}: ${status} ${code} after ${afterMs} ms`);
    expect(answers).toEqual(answers.map((answer) => ({ ...answer, status: 504, code: 'timeout' })));
    await stack.allUp();
    await sleep(500);
    for (const { name, seen } of waiting) expect([name, (await stack.rest('GET', seen)).status]).toEqual([name, 404]);
    happened('when the services went on, none of it was done');
  });

  testCase('F25', 'a task waits for a worker until its run is out of time', async (happened) => {
    const stack = stackOf();
    const client = await stack.client();
    await client.agents.apply(agent('absent') as never);
    await client.workflows.apply(workflow('f25-task', { a: { agent: 'absent' } }, { timeout: '1s' }) as never);
    const { id } = await client.workflows.start('f25-task');
    const run = await client.runs.result(id, { signal: AbortSignal.timeout(10_000) });
    expect(run).toMatchObject({ status: 'failed', error: { code: 'timeout' } });
    let begun = 0;
    const latecomer = worker({
      agent: 'absent',
      url: stack.url,
      apiKey: await stack.adminKey(),
      log: () => undefined,
      skills: { work: { run: () => ++begun } },
    });
    const working = latecomer.run();
    await sleep(1_000);
    await latecomer.stop();
    await working;
    expect(begun).toBe(0);
    happened('the run failed with timeout after 1 s, and a worker that came later was given nothing');
  });

  testCase(
    'F28',
    'stdio servers that exit, print garbage and hang',
    async (happened) => {
      const stack = stackOf();
      const client = await stack.client();
      const servers = [
        {
          name: 'exits',
          mode: 'exit',
          says: /exited with code 3.*cannot find its configuration.*ended 3 times/,
          restarts: 2,
          withinMs: 5_000,
        },
        { name: 'prints-garbage', mode: 'garbage', says: /prints what is not MCP: "Listening on port 3000/, restarts: 2, withinMs: 20_000 },
        {
          name: 'hangs',
          mode: 'hang',
          says: /did not answer within 500 ms of its start/,
          restarts: 2,
          withinMs: 10_000,
          more: { startTimeoutMs: 500 },
        },
      ];
      for (const { name, mode, more } of servers)
        await stack.rest('PUT', `/api/v1/mcp-servers/${name}`, { body: server(name, mode, more) });
      for (const { name, says, restarts, withinMs } of servers) {
        const from = performance.now();
        const { status, body } = await stack.rest('POST', `/api/v1/tools/${name}/echo/call`, { body: { arguments: { text: 'x' } } });
        const tookMs = Math.round(performance.now() - from);
        happened(`${name}: a call is answered by ${status} after ${tookMs} ms: ${(body as { detail: string }).detail}`);
        expect([name, status, body]).toMatchObject([name, 503, { code: 'unavailable' }]);
        expect(tookMs).toBeLessThanOrEqual(withinMs);
        let failed: McpServer | undefined;
        await until(`${name} is given up`, async () => (failed = await client.mcpServers.get(name)).status === 'failed');
        expect(failed).toMatchObject({ restarts, statusReason: expect.stringMatching(says) as unknown });
      }
      await sleep(2_000); // ten of the longest pauses
      for (const { name, restarts } of servers) {
        expect(await client.mcpServers.get(name)).toMatchObject({ status: 'failed', restarts });
        await client.mcpServers.remove(name);
      }
      happened('after three starts each was given up: no further start in ten times the longest pause');
    },
    90_000,
  );
}
