import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { StackUnderTest, until } from '../stack-under-test.ts';

let stack: StackUnderTest;

beforeAll(async () => {
  stack = await StackUnderTest.create();
  await stack.start('--no-example');
  await stack.loadExample();
});
afterAll(() => stack?.[Symbol.asyncDispose]());

describe('a service that does not answer', () => {
  const reads: Record<string, string> = {
    registry: '/api/v1/agents',
    'mcp-server': '/api/v1/mcp-servers',
    context: '/api/v1/artifacts',
    execution: '/api/v1/runs',
    protocol: '/api/v1/breakers',
  };

  test.each(Object.keys(reads))('%s stopped: 503 or 504 names it, the others go on, and it comes back', async (name) => {
    await stack.kill(name, 'SIGSTOP');
    try {
      const { status, body } = await stack.rest('GET', reads[name]!);
      expect([503, 504]).toContain(status);
      expect(body).toMatchObject({ service: name });
      for (const [other, path] of Object.entries(reads)) {
        if (other !== name) expect([other, (await stack.rest('GET', path)).status]).toEqual([other, 200]);
      }
    } finally {
      await stack.kill(name, 'SIGCONT');
    }
    await until(`${name} answers again`, async () => (await stack.rest('GET', reads[name]!)).status === 200);
  });

  test('a service that is killed is seen, said, and started again', async () => {
    const said = stack.output.length;
    await stack.kill('context');
    await until('the launcher says it', async () => stack.output.slice(said).includes('context'));
    await until('context answers again', async () => (await stack.rest('GET', reads['context']!)).status === 200, 10_000);
    await stack.allUp();
  });

  test('security stopped: who is known goes on, who is not gets 503', async () => {
    await stack.rest('GET', '/api/v1/agents');
    await stack.kill('security', 'SIGSTOP');
    try {
      expect((await stack.rest('GET', '/api/v1/agents')).status).toBe(200);
      const unknown = await stack.rest('GET', '/api/v1/agents', { key: `sbx_${'a'.repeat(40)}` });
      expect([401, 503, 504]).toContain(unknown.status);
    } finally {
      await stack.kill('security', 'SIGCONT');
    }
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
    const { writeFile } = await import('node:fs/promises');
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
