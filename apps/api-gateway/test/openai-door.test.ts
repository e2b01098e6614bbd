import 'reflect-metadata';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { getWorkflow } from '@signalbox/shared/contracts/execution/get-workflow.js';
import { listWorkflows } from '@signalbox/shared/contracts/execution/list-workflows.js';
import type { Agent } from '@signalbox/shared/contracts/registry/agent.js';
import { getAgent } from '@signalbox/shared/contracts/registry/get-agent.js';
import { listAgents } from '@signalbox/shared/contracts/registry/list-agents.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import { TestBus } from '@signalbox/testkit/test-bus.js';
import { GatewayConfig } from '../src/gateway.config.ts';
import { startGateway, type RunningGateway } from '../src/start-gateway.ts';
import { RunPeer } from './run-peer.ts';

const key = 'sbx_gateway_test_key_of_ann';
const narrowKey = 'sbx_gateway_test_key_narrow';
const noKey = 'sbx_gateway_test_key_nothing';
const createdAt = '2026-01-02T03:04:05.000Z';
let nats: TestBus;
let gateway: RunningGateway;
let client: OpenAI;
let runs: RunPeer;

function agent(name: string, kind: Agent['kind']): Agent {
  const hash = `sha256:${'0'.repeat(64)}`;
  return {
    id: newId('agent'),
    name,
    kind,
    description: '',
    labels: {},
    status: 'healthy',
    version: 1,
    hash,
    skills: [],
    instances: { live: 0, capacity: 0, inFlight: 0 },
    createdAt,
    updatedAt: createdAt,
  };
}
const agents = [agent('writer', 'llm'), agent('analyst', 'worker')];
const workflow = {
  name: 'report',
  description: null,
  labels: {},
  hash: `sha256:${'0'.repeat(64)}`,
  version: 1,
  steps: 1,
  input: null,
  createdAt,
  updatedAt: createdAt,
};

beforeAll(async () => {
  nats = await TestBus.start();
  nats.issuer.addCredential({ principal: 'user_ann', name: 'ann', roles: ['admin'] }, key);
  nats.issuer.addCredential({ principal: 'sa_narrow', roles: ['operator'], scopes: ['agents:read'] }, narrowKey);
  nats.issuer.addCredential({ principal: 'sa_nothing', roles: ['operator'], scopes: ['state:read'] }, noKey);
  const need = (caller: { scopes: string[] } | undefined, scope: string): void => {
    if (caller!.scopes.length > 0 && !caller!.scopes.includes(scope))
      throw new Fault('forbidden', `this needs the permission ${scope}`, 'Use another key.');
  };
  await nats.answer(listAgents, ({ cursor }, { caller }) => {
    need(caller, 'agents:read');
    return cursor === undefined ? { data: [agents[0]!], nextCursor: 'more' } : { data: [agents[1]!], nextCursor: null };
  });
  await nats.answer(listWorkflows, (_, { caller }) => {
    need(caller, 'workflows:read');
    return { data: [workflow], nextCursor: null };
  });
  await nats.answer(getAgent, ({ name }) => {
    const found = agents.find((each) => each.name === name);
    if (!found) throw new Fault('not_found', `there is no agent ${name}`, 'Check the name.');
    return { ...found, manifest: {} };
  });
  await nats.answer(getWorkflow, () => ({ ...workflow, manifest: {} }));
  runs = new RunPeer(nats);
  await runs.listen();
  const config = Object.assign(new GatewayConfig(), { port: 0, natsUrl: nats.url, natsCreds: nats.credsFile('api-gateway') });
  gateway = await startGateway(config);
  client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: key, maxRetries: 0 });
}, 60_000);

afterAll(async () => {
  await gateway?.stop();
  await nats?.[Symbol.asyncDispose]();
});

beforeEach(() => {
  runs.runs.length = 0;
  runs.play = (run) => run.succeed({ text: 'done' });
});

const ask = (content: string, model = 'agent/writer') => ({ model, messages: [{ role: 'user' as const, content }] });

function post(body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

describe('models', () => {
  test('are the agents and workflows of the workspace', async () => {
    const { data } = await client.models.list();
    expect(data.map(({ id }) => id)).toEqual(['agent/writer', 'agent/analyst', 'workflow/report']);
    expect(data[0]).toEqual({ id: 'agent/writer', object: 'model', created: 1767323045, owned_by: 'signalbox' });
  });

  test('are found one by one, with the slash encoded or not', async () => {
    await expect(client.models.retrieve('agent/writer')).resolves.toMatchObject({ id: 'agent/writer' });
    await expect(client.models.retrieve('workflow/report')).resolves.toMatchObject({ id: 'workflow/report' });
    const plain = await fetch(`${gateway.url}/v1/models/agent/writer`, { headers: { authorization: `Bearer ${key}` } });
    expect(await plain.json()).toMatchObject({ id: 'agent/writer' });
    for (const id of ['agent/nobody', 'gpt-5', 'workflow/a/b', 'agent/../x']) {
      await expect(client.models.retrieve(id)).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
    }
  });

  test('are those that the key may read', async () => {
    const narrow = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: narrowKey, maxRetries: 0 });
    expect((await narrow.models.list()).data.map(({ id }) => id)).toEqual(['agent/writer', 'agent/analyst']);
    const nothing = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: noKey, maxRetries: 0 });
    await expect(nothing.models.list()).rejects.toMatchObject({ status: 403, type: 'invalid_request_error' });
  });
});

describe('a chat completion', () => {
  test('is a run of the agent, which gets the conversation', async () => {
    const messages = [
      { role: 'developer' as const, content: 'be brief' },
      {
        role: 'user' as const,
        content: [
          { type: 'text' as const, text: 'hello' },
          { type: 'image_url' as const, image_url: { url: 'data:image/png;base64,AA==' } },
        ],
      },
    ];
    const completion = await client.chat.completions.create({
      model: 'agent/writer',
      messages,
      temperature: 0.2,
      max_tokens: 50,
      seed: 7,
      stop: null,
      n: 1,
      user: 'u',
      metadata: { a: 'b' },
      store: true,
      service_tier: 'auto',
      parallel_tool_calls: true,
      tool_choice: 'auto',
      tools: [{ type: 'function', function: { name: 'mine', parameters: {} } }],
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema: {} } },
    });
    expect(completion).toMatchObject({
      object: 'chat.completion',
      model: 'agent/writer',
      id: `chatcmpl-${runs.runs[0]!.view.id}`,
      choices: [{ index: 0, message: { role: 'assistant', content: 'done', refusal: null }, finish_reason: 'stop', logprobs: null }],
      usage: { prompt_tokens: 12, completion_tokens: 34, total_tokens: 46 },
    });
    expect(completion._request_id).toMatch(/^req_/);
    expect(runs.runs[0]!.request).toMatchObject({
      agent: 'writer',
      waitMs: 0,
      input: {
        messages,
        parameters: {
          temperature: 0.2,
          seed: 7,
          max_completion_tokens: 50,
          response_format: { type: 'json_schema', json_schema: { name: 'x', schema: {} } },
        },
      },
    });
  });

  test('of an agent that is no conversation partner, or of a workflow, takes the last message as its input', async () => {
    runs.play = (run) => run.succeed({ lines: 3 });
    const completion = await client.chat.completions.create(ask('{"folder":"docs"}', 'agent/analyst/count'));
    expect(completion.choices[0]!.message.content).toBe('{"lines":3}');
    expect(runs.runs[0]!.request).toMatchObject({ agent: 'analyst', skill: 'count', input: { folder: 'docs' } });
    runs.play = (run) => run.succeed('plain text');
    expect((await client.chat.completions.create(ask('[1]', 'workflow/report'))).choices[0]!.message.content).toBe('plain text');
    expect(runs.runs[1]!.request).toMatchObject({ workflow: 'report', input: { prompt: '[1]' } });
  });

  test('with an idempotency key is made once', async () => {
    const once = { headers: { 'Idempotency-Key': 'once' } };
    const first = await client.chat.completions.create(ask('x'), once);
    const second = await client.chat.completions.create(ask('x'), once);
    expect(second.id).toBe(first.id);
    expect(runs.runs).toHaveLength(1);
    const stream = await client.chat.completions.create({ ...ask('x'), stream: true }, once);
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    expect(text).toBe('done');
  });

  test.each([
    [{ code: 'limited' as const, detail: 'too many', retryAfterMs: 2_500 }, 429, 'rate_limit_exceeded'],
    [{ code: 'unavailable' as const, detail: 'the agent is down' }, 503, 'unavailable'],
    [{ code: 'timeout' as const, detail: 'too late', next: 'Allow more time.' }, 504, 'timeout'],
    [{ code: 'invalid' as const, detail: 'no such field' }, 400, 'invalid'],
  ])('of a run that failed with %j is an error that no client tries again', async (failure, status, code) => {
    runs.play = (run) => run.fail(failure);
    const answer = await post(ask('x'));
    expect(answer.status).toBe(status);
    expect(answer.headers.get('x-should-retry')).toBe('false');
    expect(answer.headers.get('retry-after')).toBe('retryAfterMs' in failure ? '3' : null);
    expect(await answer.json()).toEqual({
      error: { message: expect.stringContaining(failure.detail), type: expect.any(String), param: null, code },
    });
    const retrying = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: key, maxRetries: 2 });
    runs.runs.length = 0;
    await expect(retrying.chat.completions.create(ask('x'))).rejects.toMatchObject({ status, code });
    expect(runs.runs).toHaveLength(1);
  });

  test('of a run that somebody cancelled says so', async () => {
    runs.play = (run) => run.cancel();
    await expect(client.chat.completions.create(ask('x'))).rejects.toMatchObject({ status: 499 });
  });

  test('that the client gives up cancels its run', async () => {
    runs.play = () => undefined;
    const controller = new AbortController();
    const asking = client.chat.completions.create(ask('x'), { signal: controller.signal });
    while (runs.runs.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    await new Promise((resolve) => setTimeout(resolve, 50));
    controller.abort();
    await expect(asking).rejects.toThrow();
    for (let waited = 0; runs.runs[0]!.view.status !== 'cancelled' && waited < 3_000; waited += 10)
      await new Promise((resolve) => setTimeout(resolve, 10));
    expect(runs.runs[0]!.view.status).toBe('cancelled');
  });
});

describe('a streamed chat completion', () => {
  /** All of a stream, as it came over the wire. */
  async function wire(body: object): Promise<{ data: string[]; headers: Headers; status: number }> {
    const answer = await post({ ...body, stream: true });
    const text = await answer.text();
    return { data: [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => data!), headers: answer.headers, status: answer.status };
  }

  test('comes piece by piece, as the OpenAI API sends it', async () => {
    runs.play = async (run) => {
      run.say('Hel', 0);
      run.say('lo', 3);
      await new Promise((resolve) => setTimeout(resolve, 30));
      run.succeed({ text: 'Hello.' });
    };
    const { data, headers, status } = await wire({ ...ask('x'), stream_options: { include_usage: true } });
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/event-stream');
    expect(headers.get('x-request-id')).toMatch(/^req_/);
    expect(data.at(-1)).toBe('[DONE]');
    const chunks = data
      .slice(0, -1)
      .map(
        (text) =>
          JSON.parse(text) as { id: string; object: string; choices: { delta: object; finish_reason: string | null }[]; usage?: object },
      );
    expect(new Set(chunks.map(({ id, object }) => `${id} ${object}`))).toEqual(
      new Set([`chatcmpl-${runs.runs[0]!.view.id} chat.completion.chunk`]),
    );
    expect(chunks.map(({ choices }) => choices[0]?.delta)).toEqual([
      { role: 'assistant', content: '', refusal: null },
      { content: 'Hel' },
      { content: 'lo' },
      { content: '.' },
      {},
      undefined,
    ]);
    expect(chunks.map(({ choices }) => choices[0]?.finish_reason)).toEqual([null, null, null, null, 'stop', undefined]);
    expect(chunks.at(-1)!.usage).toEqual({ prompt_tokens: 12, completion_tokens: 34, total_tokens: 46 });
  });

  test('is understood by an unmodified client, also when nothing was said before the end', async () => {
    runs.play = (run) => run.succeed({ text: 'All at once.' });
    const completion = await client.chat.completions.stream(ask('x')).finalChatCompletion();
    expect(completion.choices[0]).toMatchObject({ message: { role: 'assistant', content: 'All at once.' }, finish_reason: 'stop' });
  });

  test('hears its own run alone', async () => {
    runs.play = async (run) => {
      const name = String((run.request.input as { messages: { content: string }[] }).messages[0]!.content);
      for (let index = 0; index < 5; index++) {
        run.say(name, index * name.length);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      run.succeed({ text: name.repeat(5) });
    };
    const texts = await Promise.all(
      ['ann', 'bob', 'eve'].map(
        async (name) => (await client.chat.completions.stream(ask(name)).finalChatCompletion()).choices[0]!.message.content,
      ),
    );
    expect(texts).toEqual(['ann'.repeat(5), 'bob'.repeat(5), 'eve'.repeat(5)]);
  });

  test('that fails before its first piece is answered with its status, after it with a last event', async () => {
    runs.play = (run) => run.fail({ code: 'unavailable', detail: 'the agent is down' });
    await expect(client.chat.completions.create({ ...ask('x'), stream: true })).rejects.toMatchObject({ status: 503, code: 'unavailable' });
    runs.play = async (run) => {
      run.say('Half', 0);
      await new Promise((resolve) => setTimeout(resolve, 30));
      run.fail({ code: 'timeout', detail: 'too late' });
    };
    const { data } = await wire(ask('x'));
    expect(JSON.parse(data.at(-1)!)).toMatchObject({ error: { code: 'timeout', message: expect.stringContaining('too late') } });
    await expect(client.chat.completions.stream(ask('x')).finalChatCompletion()).rejects.toThrow('too late');
  });

  test('that the client gives up cancels its run', async () => {
    runs.play = (run) => run.say('begun', 0);
    const stream = await client.chat.completions.create({ ...ask('x'), stream: true });
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break;
    stream.controller.abort();
    for (let waited = 0; runs.runs[0]!.view.status !== 'cancelled' && waited < 3_000; waited += 10)
      await new Promise((resolve) => setTimeout(resolve, 10));
    expect(runs.runs[0]!.view.status).toBe('cancelled');
  });
});

describe('a request that is wrong', () => {
  test.each([
    ['no JSON', '{"model":', null],
    ['no object', '[1]', null],
    ['no model', { messages: [{ role: 'user', content: 'x' }] }, 'model'],
    ['no messages', { model: 'agent/writer', messages: [] }, 'messages'],
    ['an unknown role', { model: 'agent/writer', messages: [{ role: 'king', content: 'x' }] }, 'messages.0.role'],
    ['a message that is nothing', { model: 'agent/writer', messages: [null] }, 'messages.0.role'],
    ['two choices', { ...ask('x'), n: 2 }, 'n'],
    ['no tokens', { ...ask('x'), max_completion_tokens: 0 }, 'max_completion_tokens'],
    ['an unknown format', { ...ask('x'), response_format: { type: 'xml' } }, 'response_format.type'],
    ['a schema without a name', { ...ask('x'), response_format: { type: 'json_schema', json_schema: {} } }, 'response_format.json_schema'],
  ])('by %s names the field', async (_, body, param) => {
    const answer = await post(body);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toEqual({ error: { message: expect.any(String), type: 'invalid_request_error', param, code: 'invalid' } });
    expect(runs.runs).toEqual([]);
  });

  test('by its model is 404', async () => {
    for (const model of ['gpt-5', 'agent/nobody', 'agent/', 'workflow/nothing']) {
      await expect(client.chat.completions.create(ask('x', model))).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
    }
  });

  test('by its key is 401, by its path 404, both in the shape that clients know', async () => {
    const wrong = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'sbx_gateway_test_key_that_is_wrong', maxRetries: 0 });
    await expect(wrong.models.list()).rejects.toMatchObject({ status: 401, code: 'invalid_api_key' });
    await expect(wrong.chat.completions.create(ask('x'))).rejects.toMatchObject({ status: 401, code: 'invalid_api_key' });
    await expect(client.embeddings.create({ model: 'agent/writer', input: 'x' })).rejects.toMatchObject({
      status: 404,
      error: { type: 'invalid_request_error' },
    });
    const huge = await post({ ...ask('x'.repeat(2_000_000)) });
    expect(huge.status).toBe(413);
    expect(await huge.json()).toMatchObject({ error: { type: 'invalid_request_error' } });
  });
});
