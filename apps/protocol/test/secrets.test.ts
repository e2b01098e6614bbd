import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Artifact } from '@signalbox/shared/contracts/context/artifact.js';
import { beginUpload } from '@signalbox/shared/contracts/context/begin-upload.js';
import { finishUpload } from '@signalbox/shared/contracts/context/finish-upload.js';
import { writeChunk } from '@signalbox/shared/contracts/context/write-chunk.js';
import { startTask } from '@signalbox/shared/contracts/protocol/start-task.js';
import { resolveSecret } from '@signalbox/shared/contracts/security/resolve-secret.js';
import { secretChanged } from '@signalbox/shared/contracts/security/secret-changed.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import { ScriptedModel } from '@signalbox/testkit/model/scripted-model.js';
import { startService, type ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { ExecutionPeer, taskOf } from './execution-peer.ts';
import { HttpAgentPeer, json } from './http-agent-peer.ts';
import { RegistryPeer } from './registry-peer.ts';

let protocol: ServiceUnderTest;
let agent: HttpAgentPeer;
let model: ScriptedModel;
const execution = new ExecutionPeer();
const registry = new RegistryPeer();
const secrets = new Map<string, string>();
const artifact: Artifact = {
  id: newId('artifact'),
  name: 'output',
  mediaType: 'application/json',
  size: 1,
  sha256: '0'.repeat(64),
  run: null,
  step: null,
  createdAt: new Date().toISOString(),
  createdBy: 'user_test',
};
let uploaded = '';
let asked = 0;

beforeAll(async () => {
  agent = await HttpAgentPeer.start();
  model = await ScriptedModel.start({});
  protocol = await startService(async () => (await import('../src/protocol.module.ts')).ProtocolModule, {
    service: 'protocol',
    env: { OUTBOUND_ALLOW_INTERNAL: `${new URL(agent.url).host},${new URL(model.baseUrl).host}`, BREAKER_FAILURES: '1000' },
    before: async (peers) => {
      await execution.listen(peers);
      await registry.listen(peers);
      await peers.answer(resolveSecret, ({ name }) => {
        asked++;
        const value = secrets.get(name);
        if (value === undefined) throw new Fault('not_found', `there is no secret ${name}`, 'Set it.');
        return { version: 1, value };
      });
      await peers.answer(beginUpload, () => ({ upload: newId('upload'), credit: 4 }));
      await peers.answer(writeChunk, ({ data }) => {
        uploaded += Buffer.from(data, 'base64').toString();
        return { credit: 4 };
      });
      await peers.answer(finishUpload, () => artifact);
    },
  });
  registry.agents['caller'] = { kind: 'http', spec: { http: { url: agent.url, headers: { 'X-Api-Key': 'secret://api-key' } } } };
  registry.agents['writer'] = {
    kind: 'llm',
    spec: { llm: { model: 'scripted-1', provider: { baseUrl: model.baseUrl, apiKey: 'secret://model-key' } } },
  };
}, 60_000);
afterAll(async () => {
  await protocol?.[Symbol.asyncDispose]();
  await agent?.[Symbol.asyncDispose]();
  await model?.[Symbol.asyncDispose]();
});
beforeEach(() => {
  execution.reset();
  model.reset();
  agent.seen.length = 0;
  agent.answer = ({ body }, response) => json(response, 200, { echo: body });
  secrets.set('api-key', 'canary-of-the-api-key').set('model-key', 'canary-of-the-model-key');
});

async function perform(name: string): Promise<unknown> {
  const task = taskOf({ agent: name, input: { prompt: 'x' } });
  await protocol.request(startTask, task);
  return execution.result(task.task);
}

test('a secret reaches the agent in its header, and its echo is scrubbed before execution sees it (A52)', async () => {
  agent.answer = ({ headers }, response) =>
    json(response, 200, { headers, basic: Buffer.from(`me:${headers['x-api-key'] as string}`).toString('base64') });
  const result = await perform('caller');
  expect(agent.seen[0]!.headers['x-api-key']).toBe('canary-of-the-api-key');
  expect(result).toMatchObject({
    output: { headers: { 'x-api-key': '[secret:api-key]' }, basic: expect.stringContaining('[secret:api-key]') },
  });
  expect(JSON.stringify(result)).not.toContain('canary');
});

test('it is scrubbed from errors that the agent words, also where they are cut', async () => {
  agent.answer = ({ headers }, response) => json(response, 500, { error: `${'x'.repeat(960)} ${headers['x-api-key'] as string}` });
  const result = await perform('caller');
  expect(result).toMatchObject({ error: { detail: expect.stringMatching(/\[secret/) } });
  expect(JSON.stringify(result)).not.toContain('canary');
});

test('it is scrubbed from outputs that are kept as artifacts', async () => {
  agent.answer = ({ headers }, response) => json(response, 200, { text: `${'x'.repeat(300_000)} ${headers['x-api-key'] as string}` });
  await expect(perform('caller')).resolves.toMatchObject({ output: { artifact: { mediaType: 'application/json' } } });
  expect(uploaded).toContain('[secret:api-key]');
  expect(uploaded).not.toContain('canary');
});

test('a secret is the key of a provider, and what the model repeats of it is scrubbed', async () => {
  model.on(undefined, { text: 'the key is canary-of-the-model-key' });
  await expect(perform('writer')).resolves.toMatchObject({ output: { text: 'the key is [secret:model-key]' } });
  expect(model.seen[0]!.headers.authorization).toBe('Bearer canary-of-the-model-key');
});

test('another value is used by the next call, and the same one is not asked for again and again', async () => {
  await perform('caller');
  const before = asked;
  await perform('caller');
  expect(asked).toBe(before);
  secrets.set('api-key', 'canary-of-another-key');
  await protocol.publish(secretChanged, { name: 'api-key', version: 2, change: 'set' });
  for (let tries = 0; agent.seen.at(-1)!.headers['x-api-key'] !== 'canary-of-another-key'; tries++) {
    if (tries > 40) throw new Error('the old value is still used');
    await new Promise((resolve) => setTimeout(resolve, 50));
    await perform('caller');
  }
  expect(asked).toBeLessThan(before + 6);
});

test('a secret that does not exist fails the task with what to do, and no call is made', async () => {
  secrets.delete('model-key');
  await protocol.publish(secretChanged, { name: 'model-key', version: 1, change: 'removed' });
  await new Promise((resolve) => setTimeout(resolve, 200));
  await expect(perform('writer')).resolves.toMatchObject({
    error: { code: 'invalid', detail: 'there is no secret model-key: set it with `signalbox secrets set model-key`' },
  });
  expect(model.seen).toEqual([]);
});
