import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { breakerChanged } from '@signalbox/shared/contracts/protocol/breaker.js';
import { listBreakers } from '@signalbox/shared/contracts/protocol/list-breakers.js';
import { listModels } from '@signalbox/shared/contracts/protocol/list-models.js';
import { startTask } from '@signalbox/shared/contracts/protocol/start-task.js';
import { startService, type ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { eventually, ExecutionPeer, taskOf } from './execution-peer.ts';
import { HttpAgentPeer, json } from './http-agent-peer.ts';
import { RegistryPeer } from './registry-peer.ts';

let protocol: ServiceUnderTest;
let agent: HttpAgentPeer;
/** So long that a slow machine does not see its end; the clock is put forward instead. */
const openMs = 30_000;
let passedMs = 0;
const realNow = Date.now;
const execution = new ExecutionPeer();
const registry = new RegistryPeer();
const other = { as: { workspace: '01900000-0000-7000-8000-0000000000bb' } };

beforeAll(async () => {
  Date.now = () => realNow() + passedMs;
  agent = await HttpAgentPeer.start();
  protocol = await startService(async () => (await import('../src/protocol.module.ts')).ProtocolModule, {
    service: 'protocol',
    env: {
      OUTBOUND_ALLOW_INTERNAL: new URL(agent.url).host,
      BREAKER_FAILURES: '3',
      BREAKER_OPEN_MS: String(openMs),
      OPENAI_API_KEY: '',
      OPENAI_BASE_URL: '',
    },
    before: async (peers) => {
      await execution.listen(peers);
      await registry.listen(peers);
    },
  });
}, 60_000);
afterAll(async () => {
  Date.now = realNow;
  await protocol?.[Symbol.asyncDispose]();
  await agent?.[Symbol.asyncDispose]();
});
beforeEach(() => {
  execution.reset();
  agent.seen.length = 0;
  passedMs = 0;
});

function call(name: string, more: { isMirror?: true } = {}): Promise<unknown> {
  registry.agents[name] ??= { kind: 'http', spec: { http: { url: agent.url } } };
  const task = taskOf({ agent: name, ...more });
  return protocol.request(startTask, task).then(() => execution.result(task.task));
}

async function stateOf(name: string): Promise<string | undefined> {
  return (await protocol.request(listBreakers, { q: name })).data[0]?.state;
}

test('a mirrored call that fails closes no way to the agent, and goes by none that is closed', async () => {
  agent.answer = (_, response) => json(response, 500, {});
  for (let failure = 0; failure < 4; failure++) await expect(call('mirrored', { isMirror: true })).resolves.toMatchObject({ error: {} });
  expect(agent.seen).toHaveLength(4);
  expect(await stateOf('mirrored')).toBeUndefined();
});

test('F31: a target that fails in a row is left alone, tried again, and trusted again; its neighbours are not affected', async () => {
  const events = await protocol.record(breakerChanged);
  agent.answer = ({ headers }, response) =>
    headers['signalbox-agent'] === 'flaky' ? json(response, 500, {}) : json(response, 200, 'fine');
  for (let failure = 0; failure < 3; failure++) await expect(call('flaky')).resolves.toMatchObject({ error: { code: 'unavailable' } });
  expect(agent.seen).toHaveLength(3);

  const refused = (await call('flaky')) as { error: { code: string; detail: string; retryAfterMs: number } };
  expect(refused.error).toMatchObject({ code: 'unavailable', detail: expect.stringContaining('agent/flaky') });
  expect(refused.error.retryAfterMs).toBeGreaterThan(0);
  expect(refused.error.retryAfterMs).toBeLessThanOrEqual(openMs);
  expect(agent.seen).toHaveLength(3);
  await expect(call('steady')).resolves.toMatchObject({ output: 'fine' });
  await expect(events.next(({ state }) => state === 'open')).resolves.toMatchObject({
    target: 'agent/flaky',
    agent: 'flaky',
    version: 1,
    reason: expect.stringContaining('answered 500'),
    retryAt: expect.any(String),
  });

  // One call is let through: it fails, and the target is left alone for twice as long.
  passedMs += openMs;
  await expect(call('flaky')).resolves.toMatchObject({ error: { detail: expect.stringContaining('answered 500') } });
  const again = (await call('flaky')) as { error: { retryAfterMs: number } };
  expect(again.error.retryAfterMs).toBeGreaterThan(openMs);

  agent.answer = (_, response) => json(response, 200, 'back');
  passedMs += 2 * openMs;
  await expect(call('flaky')).resolves.toMatchObject({ output: 'back' });
  await expect(call('flaky')).resolves.toMatchObject({ output: 'back' });
  await events.next(({ state }) => state === 'closed');
  expect(events.heard.map(({ payload }) => [payload.state, payload.version])).toEqual([
    ['open', 1],
    ['half-open', 2],
    ['open', 3],
    ['half-open', 4],
    ['closed', 5],
  ]);
  expect(await stateOf('flaky')).toBe('closed');
});

test('while one call tries, others are refused and do not wait for it', async () => {
  agent.answer = (_, response) => json(response, 503, {});
  for (let failure = 0; failure < 3; failure++) await call('slow');
  passedMs += openMs;
  const answer = Promise.withResolvers<void>();
  agent.answer = (_, response) => void answer.promise.then(() => json(response, 200, 'at last'));
  const trying = call('slow');
  await eventually(() => agent.seen.length === 4, 'not tried');
  await expect(call('slow')).resolves.toMatchObject({ error: { code: 'unavailable', retryAfterMs: 1_000 } });
  answer.resolve();
  await expect(trying).resolves.toMatchObject({ output: 'at last' });
});

test('what is wrong with a request says nothing of the target; what it asks for is kept to', async () => {
  agent.answer = (_, response) => json(response, 400, { detail: 'no' });
  for (let failure = 0; failure < 5; failure++) await call('strict');
  expect(agent.seen).toHaveLength(5);
  expect(await stateOf('strict')).toBeUndefined();
  agent.answer = (_, response) => json(response, 429, {}, { 'retry-after': '50' });
  for (let failure = 0; failure < 3; failure++) await call('busy');
  const { error } = (await call('busy')) as { error: { retryAfterMs: number } };
  expect(error.retryAfterMs).toBeGreaterThan(openMs);
});

test('a breaker that was open is open after a restart too', async () => {
  agent.answer = (_, response) => json(response, 500, {}, { 'retry-after': '60' });
  for (let failure = 0; failure < 3; failure++) await call('known');
  expect(await stateOf('known')).toBe('open');
  await protocol.stop();
  await protocol.start();
  agent.seen.length = 0;
  await expect(call('known')).resolves.toMatchObject({ error: { code: 'unavailable', detail: expect.stringContaining('answered 500') } });
  expect(agent.seen).toEqual([]);
});

test('breakers are listed by state, words and page, and for their workspace alone', async () => {
  const all = await protocol.request(listBreakers, {});
  expect(all.data.map(({ target }) => target)).toEqual(['agent/busy', 'agent/flaky', 'agent/known', 'agent/slow']);
  const page = await protocol.request(listBreakers, { limit: 1 });
  expect((await protocol.request(listBreakers, { limit: 1, cursor: page.nextCursor! })).data[0]!.target).toBe('agent/flaky');
  expect((await protocol.request(listBreakers, { state: 'open' })).data.map(({ target }) => target)).toEqual(['agent/busy', 'agent/known']);
  expect((await protocol.request(listBreakers, { q: '%' })).data).toEqual([]);
  expect((await protocol.request(listBreakers, {}, other)).data).toEqual([]);
});

test('without a provider there is no model, and an llm agent says what to set', async () => {
  await expect(protocol.request(listModels, {})).resolves.toEqual({ data: [] });
  registry.agents['writer'] = { kind: 'llm', spec: { llm: { model: 'gpt', system: '' } } };
  await expect(call('writer')).resolves.toMatchObject({ error: { code: 'invalid', next: expect.stringContaining('OPENAI_API_KEY') } });
});
