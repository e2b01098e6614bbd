import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { ScriptedModel } from '../src/model/scripted-model.ts';

let model: ScriptedModel;
let client: OpenAI;

beforeAll(async () => {
  model = await ScriptedModel.start({ apiKey: 'sk-test' });
  client = new OpenAI({ baseURL: model.baseUrl, apiKey: 'sk-test', maxRetries: 0 });
});
afterAll(() => model[Symbol.asyncDispose]());
beforeEach(() => model.reset());

const ask = (content: string) => ({ model: 'scripted-1', messages: [{ role: 'user' as const, content }] });
const tools = [{ type: 'function' as const, function: { name: 'add', parameters: {} } }];

describe('an unmodified client of the OpenAI API', () => {
  test('lists models', async () => {
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual(['scripted-1']);
  });

  test('gets what the newest rule that fits says, with usage', async () => {
    model
      .on(undefined, { text: 'anything' })
      .on(/^hello/, { text: 'hi there' }, 1)
      .on('count', { text: 'x', usage: { inputTokens: 7, outputTokens: 9 } });
    expect((await client.chat.completions.create(ask('hello you'))).choices[0]!.message.content).toBe('hi there');
    expect((await client.chat.completions.create(ask('hello you'))).choices[0]!.message.content).toBe('anything');
    expect((await client.chat.completions.create(ask('please count'))).usage).toEqual({
      prompt_tokens: 7,
      completion_tokens: 9,
      total_tokens: 16,
    });
  });

  test('is told where there is no rule', async () => {
    expect((await client.chat.completions.create(ask('what?'))).choices[0]!.message.content).toContain('no answer for: what?');
  });

  test('gets streams whose pieces make the same text, tool calls and usage', async () => {
    model.on(undefined, { text: 'a text of more than one piece', toolCalls: [{ name: 'add', arguments: { a: 1 } }] });
    const runner = client.chat.completions.stream({ ...ask('x'), tools, stream_options: { include_usage: true } });
    const pieces: string[] = [];
    runner.on('content', (piece) => pieces.push(piece));
    const completion = await runner.finalChatCompletion();
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.join('')).toBe('a text of more than one piece');
    expect(completion.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { tool_calls: [{ function: { name: 'add', arguments: '{"a":1}' } }] },
    });
    expect(completion.usage!.total_tokens).toBeGreaterThan(0);
    expect(completion).toMatchObject(
      await client.chat.completions
        .create({ ...ask('x'), tools })
        .then(({ choices, model: name }) => ({ model: name, choices: [{ finish_reason: choices[0]!.finish_reason }] })),
    );
  });

  test('sees faults as real servers make them', async () => {
    model.on(undefined, { fault: { status: 429, retryAfterMs: 40, code: 'rate_limit_exceeded' } });
    await expect(client.chat.completions.create(ask('x'))).rejects.toMatchObject({ status: 429, code: 'rate_limit_exceeded' });
    model.on(undefined, { fault: { status: 500 } });
    await expect(client.chat.completions.create(ask('x'))).rejects.toMatchObject({ status: 500, type: 'server_error' });
    model.on(undefined, { fault: { garbage: true } });
    await expect(client.chat.completions.create(ask('x'))).rejects.toThrow();
    model.on(undefined, { text: 'x', fault: { silentMs: 300 } });
    await expect(client.chat.completions.create(ask('x'), { timeout: 50 })).rejects.toThrow();
    model.on(undefined, { text: 'abc '.repeat(30), fault: { cutAfter: 2 } });
    await expect(client.chat.completions.create(ask('x'))).rejects.toThrow();
    await expect(client.chat.completions.stream(ask('x')).finalChatCompletion()).rejects.toThrow();
    await expect(client.chat.completions.create({ ...ask('x'), model: 'gpt-none' })).rejects.toMatchObject({
      status: 404,
      code: 'model_not_found',
    });
    await expect(client.responses.create({ model: 'scripted-1', input: 'x' })).rejects.toMatchObject({ status: 404 });
    await expect(new OpenAI({ baseURL: model.baseUrl, apiKey: 'wrong' }).models.list()).rejects.toMatchObject({ status: 401 });
    expect(
      (await fetch(`${model.baseUrl}/chat/completions`, { method: 'POST', body: '{', headers: { authorization: 'Bearer sk-test' } }))
        .status,
    ).toBe(400);
  });
});

test('it remembers what came, and who went away', async () => {
  model.on(
    () => true,
    (request) => ({ text: `you sent ${request.messages.length} `.repeat(50), pauseMs: 10 }),
  );
  const controller = new AbortController();
  const stream = await client.chat.completions.create(
    { ...ask('x'), stream: true, messages: [{ role: 'user', content: [{ type: 'text', text: 'parts' }] }] },
    { signal: controller.signal },
  );
  for await (const _ of stream) controller.abort();
  for (let waited = 0; !model.seen[0]?.isAborted && waited < 1_000; waited += 10) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(model.seen[0]).toMatchObject({ path: '/v1/chat/completions', isAborted: true });
});
