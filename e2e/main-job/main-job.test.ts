import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { RunDetail } from '@signalbox/sdk/client/runs.js';
import { StackUnderTest, until } from '../stack-under-test.ts';

let stack: StackUnderTest;

beforeAll(async () => {
  stack = await StackUnderTest.create();
  await stack.start('--no-example');
  await stack.loadExample();
});
afterAll(() => stack?.[Symbol.asyncDispose]());

/** The report of a run that has ended well. */
async function reportOf(run: RunDetail): Promise<string> {
  const client = await stack.client();
  expect(run).toMatchObject({ status: 'succeeded' });
  const [artifact] = await Array.fromAsync(client.artifacts.list({ run: run.id }));
  return client.artifacts.text(artifact!.id);
}

/** What must hold of every run that ended: each attempt has ended once, each step that succeeded has one attempt that did. */
async function expectNothingTwice(run: RunDetail): Promise<void> {
  const client = await stack.client();
  const events = await Array.fromAsync(client.runs.events(run.id));
  const ends = events.filter(({ type }) => type === 'step.succeeded').map(({ step }) => step);
  expect(new Set(ends).size).toBe(ends.length);
  const sequences = events.map(({ seq }) => seq);
  expect(new Set(sequences).size).toBe(sequences.length);
  for (const step of await Array.fromAsync(client.runs.steps(run.id))) {
    expect(step.attempts.filter(({ status }) => status === 'succeeded').length).toBeLessThanOrEqual(1);
  }
}

describe('four agents write a report about the clone', () => {
  test('by the command line, with each step shown, and the report can be read', async () => {
    const { code, out, err } = await stack.cli('run', 'repository-report', '--follow');
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/analyse/);
    expect(out).toMatch(/succeeded/);
    const client = await stack.client();
    const [run] = (await client.runs.list({ workflow: 'repository-report' }).first()).data;
    const report = await reportOf(await client.runs.get(run!.id));
    expect(report).toMatch(/^# /);
    expect(report).toContain('packages/shared');
    await expectNothingTwice(await client.runs.get(run!.id));
  });

  test('the keeper has stored what was found as entities and relations', async () => {
    const { body } = await stack.rest('POST', '/api/v1/tools/memory/read_graph/call', { body: { arguments: {} } });
    const graph = (body as { structuredContent: { entities: unknown[]; relations: unknown[] } }).structuredContent;
    expect(graph.entities.length).toBeGreaterThan(5);
    expect(graph.relations.length).toBeGreaterThan(5);
  });

  test('the librarian reads nothing outside its folders', async () => {
    const { body } = await stack.rest('POST', '/api/v1/tools/filesystem/read_text_file/call', {
      body: { arguments: { path: '/etc/passwd' } },
    });
    expect(body).toMatchObject({ isError: true });
    expect(JSON.stringify(body)).not.toContain('root:');
  });

  test('the board shows all four as done', async () => {
    const { body } = await stack.rest('GET', '/api/v1/deployments/repository-report/board');
    const { agents } = body as { agents: { name: string; status: string }[] };
    expect(agents.map(({ name, status }) => `${name} ${status}`).sort()).toEqual([
      'analyst done',
      'keeper done',
      'librarian done',
      'writer done',
    ]);
  });
});

describe('bad input at the door gets a problem that says what to do', () => {
  const json = { 'content-type': 'application/json' };
  test.each([
    ['an unknown field', '/api/v1/workflows/repository-report/runs', '{"inputs":{}}', 400],
    ['a wrong type', '/api/v1/workflows/repository-report/runs', '{"input":"x","labels":5}', 400],
    ['no JSON', '/api/v1/workflows/repository-report/runs', '{"input":', 400],
    ['an unknown workflow', '/api/v1/workflows/nobody/runs', '{}', 404],
    ['an oversize body', '/api/v1/workflows/repository-report/runs', JSON.stringify({ input: { x: 'y'.repeat(2_000_000) } }), 413],
    ['a body nested too deeply', '/api/v1/workflows/repository-report/runs', `{"input":${'{"a":'.repeat(500)}1${'}'.repeat(500)}}`, 400],
    ['an unknown tool', '/api/v1/tools/filesystem/nothing/call', '{"arguments":{}}', 404],
    ['arguments that the tool does not take', '/api/v1/tools/filesystem/read_text_file/call', '{"arguments":{"path":5}}', 400],
    ['an unknown agent', '/api/v1/agents/nobody/invoke', '{"skill":"x","input":{}}', 404],
  ])('%s', async (_, path, body, status) => {
    const answer = await stack.rest('POST', path, { body, headers: json });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([status, expect.stringContaining('application/problem+json')]);
    expect(answer.body).toMatchObject({ code: expect.any(String), detail: expect.any(String), next: expect.any(String) });
  });

  test.each([['invalid YAML', 'workflow-bad.yaml']])('a manifest of %s names line and column', async () => {
    const file = `${stack.data}/bad.yaml`;
    await writeFile(file, 'apiVersion: signalbox.dev/v1\nkind: Workflow\nmetadata: { name: bad\nspec: {}\n');
    const { code, err } = await stack.cli('apply', '-f', file, '--yes');
    expect(code).toBe(2);
    expect(err).toMatch(/bad\.yaml:\d+:\d+|line \d+/);
  });

  test('a cycle of needs is named', async () => {
    const manifest = {
      apiVersion: 'signalbox.dev/v1',
      kind: 'Workflow',
      metadata: { name: 'circle' },
      spec: { steps: { a: { needs: ['b'], value: 1 }, b: { needs: ['a'], value: 2 } } },
    };
    const answer = await stack.rest('PUT', '/api/v1/workflows/circle', { body: manifest });
    expect(answer.status).toBe(400);
    expect(JSON.stringify(answer.body)).toMatch(/a.*b/);
  });

  test.each([
    ['a wrong key', `sbx_${'b'.repeat(43)}`],
    ['an empty key', ' '],
    ['what is no key', 'hello'],
  ])('%s is refused in one way', async (_, key) => {
    const answer = await stack.rest('GET', '/api/v1/agents', { key });
    expect(answer.status).toBe(401);
    expect(answer.body).toMatchObject({ code: 'unauthenticated' });
  });
});

describe('the plug is pulled in the middle', () => {
  let expected = '';
  beforeAll(async () => {
    const client = await stack.client();
    expected = await reportOf(await client.runs.result((await client.workflows.start('repository-report')).id));
  });

  /** Starts a run and returns once it is among the analysts' tasks. */
  async function startAndReachTheMiddle(): Promise<string> {
    const client = await stack.client();
    const { id } = await client.workflows.start('repository-report');
    await until('the run is in its middle', async () => {
      const { done, running } = (await client.runs.get(id)).progress;
      return done >= 4 && running > 0;
    });
    return id;
  }

  async function expectSameReport(id: string): Promise<void> {
    const client = await stack.client();
    const run = await client.runs.result(id, { signal: AbortSignal.timeout(120_000) });
    expect(await reportOf(run)).toBe(expected);
    await expectNothingTwice(run);
  }

  test.each(['execution', 'registry', 'mcp-server', 'protocol', 'context', 'security', 'api-gateway', 'NATS', 'PostgreSQL'])(
    '%s is killed: the run ends with the same report',
    async (name) => {
      const id = await startAndReachTheMiddle();
      await stack.kill(name);
      await stack.allUp();
      await expectSameReport(id);
    },
  );

  test('everything is killed: after a start the run ends with the same report', async () => {
    const id = await startAndReachTheMiddle();
    await stack.killAll();
    await stack.start('--no-example');
    await expectSameReport(id);
  });
});

test('Ctrl-C ends everything in order and leaves nothing behind', async () => {
  const pids = [...(await stack.processes()).values()];
  expect(await stack.stop()).toBe(0);
  const left = pids.filter((pid) => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  });
  expect(left).toEqual([]);
});
