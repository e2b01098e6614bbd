import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { applyTrigger, type ApplyTriggerReply } from '@signalbox/shared/contracts/execution/apply-trigger.js';
import { deleteTrigger } from '@signalbox/shared/contracts/execution/delete-trigger.js';
import { getTrigger } from '@signalbox/shared/contracts/execution/get-trigger.js';
import { listRuns } from '@signalbox/shared/contracts/execution/list-runs.js';
import { listTriggerFirings } from '@signalbox/shared/contracts/execution/list-trigger-firings.js';
import { listTriggers } from '@signalbox/shared/contracts/execution/list-triggers.js';
import { pauseTrigger } from '@signalbox/shared/contracts/execution/pause-trigger.js';
import { receiveHook, type ReceiveHookReply, type ReceiveHookRequest } from '@signalbox/shared/contracts/execution/receive-hook.js';
import { resumeTrigger } from '@signalbox/shared/contracts/execution/resume-trigger.js';
import type { FiringView } from '@signalbox/shared/contracts/execution/schedule-view.js';
import { incidentChanged } from '@signalbox/shared/contracts/registry/incident-changed.js';
import { agentChanged, deploymentChanged } from '@signalbox/shared/contracts/registry/events.js';
import { resolveSecret } from '@signalbox/shared/contracts/security/resolve-secret.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import type { ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { apply, ended, insist, start, startExecution } from './peers.ts';

let service: ServiceUnderTest;
const secrets: Record<string, string> = { hook: 'the secret of the hook, long enough', short: 'short' };
const foreign = { workspace: '01900000-0000-7000-8000-00000000000b' };

beforeAll(async () => {
  service = await startExecution(
    {},
    {
      before: (peers) =>
        peers.answer(resolveSecret, ({ name }) => {
          const value = secrets[name];
          if (value === undefined) throw new Fault('not_found', 'there is none', 'Set it.');
          return { value, version: 1 };
        }),
    },
  );
  await apply(service, 'values', { a: { value: '${{ input }}' } }, { outputs: '${{ steps.a.output }}' });
  await apply(service, 'first', { a: { value: '${{ input }}' } }, { outputs: '${{ steps.a.output }}' });
  await apply(service, 'fails', { a: { value: '${{ input.missing.deep }}' } });
  await apply(service, 'waits', { a: { wait: { signal: 'go' } } });
}, 120_000);

afterAll(async () => {
  await service?.[Symbol.asyncDispose]();
});

function applied(name: string, spec: object, options: Parameters<ServiceUnderTest['request']>[2] = {}): Promise<ApplyTriggerReply> {
  const manifest = { apiVersion: 'signalbox.dev/v1', kind: 'Trigger', metadata: { name }, spec: { workflow: 'values', ...spec } };
  return service.request(applyTrigger, { name, manifest }, options);
}

function hmac(text: string, secret = secrets['hook'] as string): string {
  return createHmac('sha256', secret).update(text).digest('hex');
}

function post(request: Omit<ReceiveHookRequest, 'body'> & { text: string }): Promise<ReceiveHookReply> {
  const { text, ...rest } = request;
  return insist(() => service.request(receiveHook, { ...rest, body: Buffer.from(text).toString('base64') }));
}

/** Signs as the command line's help says. */
function signed(
  hook: string,
  text: string,
  delivery?: string,
  atMs = Date.now(),
  secret?: string,
): Omit<ReceiveHookRequest, 'body'> & { text: string } {
  const t = Math.floor(atMs / 1_000);
  const signature = `t=${t},v1=${hmac(`${t}.${delivery ?? ''}.${text}`, secret)}`;
  return { hook, text, signature, ...(delivery !== undefined && { delivery }) };
}

async function untilFired(name: string, is: (firings: FiringView[]) => boolean): Promise<FiringView[]> {
  let found: FiringView[] = [];
  for (const until = performance.now() + 20_000; performance.now() < until; await sleep(50)) {
    found = (await service.request(listTriggerFirings, { name })).data.reverse();
    if (is(found)) return found;
  }
  throw new Error(`${name} has not fired as expected: ${JSON.stringify(found, null, 1)}`);
}

const webhook = { webhook: { secret: 'secret://hook' } };

test('a signed call starts a run with what it says, and the same delivery again gives the same run', async () => {
  const input = { ref: '${{ event.body.ref }}', type: '${{ event.type }}', delivery: '${{ event.delivery }}' };
  const { resource } = await applied('push', { on: webhook, input }, { as: { principal: 'user_ada', name: 'Ada' } });
  expect(resource).toMatchObject({ kind: 'webhook', state: 'active', appliedBy: 'Ada' });
  const call = { ...signed(resource.hook as string, '{"ref":"main"}', 'd-1'), event: 'push' };
  const replies = await Promise.all([post(call), post(call), post(call)]);
  const later = await post({ ...signed(resource.hook as string, '{"ref":"main"}', 'd-1', Date.now() + 2_000), event: 'push' });
  expect(new Set([...replies, later].map(({ run }) => run)).size).toBe(1);
  const run = await ended(service, later.run as string);
  expect(run).toMatchObject({ startedBy: 'Ada', labels: { trigger: 'push' }, output: { ref: 'main', type: 'push', delivery: 'd-1' } });
  expect(await post(signed(resource.hook as string, '{"ref":"dev"}', 'd-2'))).not.toMatchObject({ run: later.run });
  expect((await service.request(listRuns, { labels: { trigger: 'push' } })).data).toHaveLength(2);
});

test('a wrong signature, an old one, another hook and a replay under another name start nothing', async () => {
  const { resource } = await applied('guarded', { on: webhook });
  const hook = resource.hook as string;
  const refused = async (call: Parameters<typeof post>[0]): Promise<void> => {
    await expect(post(call)).rejects.toMatchObject({
      code: 'unauthenticated',
      detail: expect.stringMatching(/no such hook, or/) as unknown,
    });
  };
  await refused(signed(hook, '{}', 'x', Date.now(), 'another secret altogether'));
  await refused(signed(hook, '{}', 'x', Date.now() - 301_000));
  await refused({ hook, text: '{}' });
  await refused(signed(newId('hook'), '{}'));
  const good = signed(hook, '{"n":1}', 'x');
  await refused({ ...good, text: '{"n":2}' });
  expect(await post(good)).toMatchObject({ outcome: 'started' });
  await refused({ ...good, delivery: 'y' });
  const unnamed = signed(hook, '{"n":3}');
  expect((await post(unnamed)).run).toBe((await post(unnamed)).run);
  expect((await service.request(listTriggerFirings, { name: 'guarded' })).data).toHaveLength(2);
  await expect(post(signed(hook, '{"n":', 'z'))).rejects.toMatchObject({ code: 'invalid' });
});

test('GitHub’s way of signing is understood; a condition that is not met starts nothing and says so', async () => {
  const on = { webhook: { secret: 'secret://hook', signature: 'github' } };
  const { resource } = await applied('github', { on, if: "event.type == 'push' && event.body.ref == 'refs/heads/main'" });
  const call = (ref: string, delivery: string, event = 'push'): Parameters<typeof post>[0] => {
    const text = JSON.stringify({ ref });
    return { hook: resource.hook as string, text, signature: `sha256=${hmac(text)}`, delivery, event };
  };
  expect(await post(call('refs/heads/main', 'g-1'))).toMatchObject({ outcome: 'started', reason: null });
  expect(await post(call('refs/heads/dev', 'g-2'))).toEqual({ outcome: 'skipped', reason: 'its condition is not met', run: null });
  expect(await post(call('refs/heads/main', 'g-3', 'ping'))).toMatchObject({ outcome: 'skipped' });
});

test('more calls than a minute may have are refused, a known one is not', async () => {
  const { resource } = await applied('busy', { on: { webhook: { secret: 'secret://hook', ratePerMinute: 2 } } });
  const hook = resource.hook as string;
  await post(signed(hook, '1', 'a'));
  await post(signed(hook, '2', 'b'));
  await expect(post(signed(hook, '3', 'c'))).rejects.toMatchObject({ code: 'limited' });
  expect(await post(signed(hook, '1', 'a'))).toMatchObject({ outcome: 'started' });
});

test('a paused hook refuses; who may not act any more has one whose history says so', async () => {
  const { resource } = await applied('stopped', { on: webhook });
  const hook = resource.hook as string;
  expect(await service.request(pauseTrigger, { name: 'stopped', reason: 'not now' })).toMatchObject({
    state: 'paused',
    pausedReason: 'not now',
  });
  await expect(post(signed(hook, '1'))).rejects.toMatchObject({ code: 'conflict' });
  expect(await service.request(resumeTrigger, { name: 'stopped' })).toMatchObject({ state: 'active', pausedReason: null });
  expect(await post(signed(hook, '2'))).toMatchObject({ outcome: 'started' });
  await applied('stopped', { on: webhook, input: { n: 1 } }, { as: { principal: 'user_gone', name: 'Gone' } });
  const [row] = await service.database.sql<{ grant_id: string }>(`SELECT grant_id FROM trigger WHERE name = 'stopped'`);
  service.bus.issuer.revoke(row?.grant_id as string);
  await expect(post(signed(hook, '3'))).rejects.toMatchObject({ code: 'unauthenticated' });
  expect((await service.request(getTrigger, { name: 'stopped' })).last).toMatchObject({
    outcome: 'failed',
    reason: expect.stringMatching(/Gone/) as unknown,
  });
  await service.request(deleteTrigger, { name: 'stopped' });
  await expect(post(signed(hook, '4'))).rejects.toMatchObject({ code: 'unauthenticated' });
});

test('the end of a run starts another, with what it gave, once', async () => {
  const input = { from: '${{ event.run.id }}', got: '${{ event.run.output }}', status: '${{ event.run.status }}' };
  await applied('after-first', { on: { runEnded: { workflow: 'first', status: ['succeeded'] } }, input });
  await applied('after-fails', {
    on: { runEnded: { workflow: 'fails' } },
    input: { why: '${{ event.run.error.code }}', status: '${{ event.run.status }}' },
  });
  const first = await start(service, { workflow: 'first', input: { n: 7 } });
  const [fired] = await untilFired('after-first', ({ length }) => length === 1);
  expect(fired).toMatchObject({ key: first.id, outcome: 'started' });
  expect(await ended(service, fired?.run as string)).toMatchObject({ output: { from: first.id, got: { n: 7 }, status: 'succeeded' } });
  await start(service, { workflow: 'fails', input: {} });
  const [failed] = await untilFired('after-fails', ({ length }) => length === 1);
  expect((await ended(service, failed?.run as string)).output).toEqual({ why: 'invalid', status: 'failed' });
  await sleep(500);
  expect((await service.request(listRuns, { labels: { trigger: 'after-first' } })).data).toHaveLength(1);
});

test('an end is heard by triggers when the service stopped right after it', async () => {
  await applied('after-waits', { on: { runEnded: { workflow: 'waits', status: ['cancelled'] } } });
  const { cancelRun } = await import('@signalbox/shared/contracts/execution/cancel-run.js');
  const run = await start(service, { workflow: 'waits' });
  await Promise.all(
    [service.request(cancelRun, { run: run.id }), service.stop()].map((each) => Promise.resolve(each).catch(() => undefined)),
  );
  await service.start();
  await insist(() => service.request(cancelRun, { run: run.id })).catch(() => undefined);
  const fired = await untilFired('after-waits', ({ length }) => length === 1);
  expect(fired).toMatchObject([{ key: run.id, outcome: 'started' }]);
}, 60_000);

test('an event of Signalbox starts a run where its condition is met, once, and no more than a minute may have', async () => {
  const condition = "event.data.change == 'status' && event.data.status == 'failed'";
  await applied('on-failure', { on: { event: { type: 'deployment.changed' } }, if: condition, input: { name: '${{ event.data.name }}' } });
  const payload = { id: newId('deployment'), name: 'shop', change: 'status' as const, status: 'failed' as const, progress: 0.5 };
  const id = '01900000-0000-7000-8000-0000000000e1';
  await service.publish(deploymentChanged, payload, { id, at: Date.now() - 3_600_000 });
  await service.publish(deploymentChanged, payload, { id: `${id}2` });
  await service.publish(deploymentChanged, { ...payload, status: 'active' }, { id: `${id}3` });
  await service.publish(deploymentChanged, payload, { id: `${id}4`, ...foreign });
  const fired = await untilFired('on-failure', ({ length }) => length === 2);
  expect(fired).toMatchObject([
    { key: `${id}2`, outcome: 'started' },
    { key: `${id}3`, outcome: 'skipped' },
  ]);
  expect(await ended(service, fired[0]?.run as string)).toMatchObject({ output: { name: 'shop' }, labels: { trigger: 'on-failure' } });
  await applied('few', { on: { event: { type: 'agent.changed', ratePerMinute: 1 } } });
  const hash = `sha256:${'0'.repeat(64)}`;
  const agent = { id: newId('agent'), name: 'a', kind: 'worker' as const, change: 'manifest' as const, status: 'idle' as const, hash };
  for (const version of [1, 2, 3]) await service.publish(agentChanged, { ...agent, version }, { id: `few-${version}` });
  const few = await untilFired('few', ({ length }) => length === 2);
  expect(few).toMatchObject([
    { key: 'few-1', outcome: 'started' },
    { key: 'busy', outcome: 'skipped' },
  ]);
  await applied('on-incident', { on: { event: { type: 'incident.changed' } }, input: { name: '${{ event.data.agent }}' } });
  const incident = { cause: 'crash-loop' as const, title: 'it crashes', severity: 'high' as const, status: 'open' as const };
  const entry = { stage: 'detected' as const, agent: 'reader', by: 'registry', text: 'it crashes' };
  await service.publish(incidentChanged, { id: newId('incident'), ...incident, ...entry }, { id: 'incident-1' });
  const [remedy] = await untilFired('on-incident', ({ length }) => length === 1);
  expect(await ended(service, remedy?.run as string)).toMatchObject({ output: { name: 'reader' } });
});

test('triggers that start one another in a circle end, and say that it looks like a loop', async () => {
  await apply(service, 'ping', { a: { value: 1 } });
  await apply(service, 'pong', { a: { value: 1 } });
  await applied('to-pong', { workflow: 'pong', on: { runEnded: { workflow: 'ping' } } });
  await applied('to-ping', { workflow: 'ping', on: { runEnded: { workflow: 'pong' } } });
  await start(service, { workflow: 'ping' });
  const looped = (all: FiringView[]): boolean => all.some(({ reason }) => reason?.includes('looks like a loop') ?? false);
  await untilFired('to-pong', looped);
  const runs = await service.request(listRuns, { q: 'trigger' });
  expect(runs.data.filter(({ workflow }) => workflow === 'ping' || workflow === 'pong')).toHaveLength(8);
});

test('what is wrong with a trigger is named; triggers are listed, of one’s own workspace', async () => {
  const refused = async (spec: object, pointer: string): Promise<void> => {
    const error: unknown = await applied('wrong', spec).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'invalid', errors: [expect.objectContaining({ pointer })] });
  };
  await refused({ on: { webhook: { secret: 'in the clear' } } }, '/spec/on/webhook/secret');
  await refused({ on: { webhook: { secret: 'secret://short' } } }, '/spec/on/webhook/secret');
  await refused({ on: webhook, if: 'event.body.' }, '/spec/if');
  await refused({ on: webhook, input: '${{ schedule.time }}' }, '/spec/input');
  await refused({ on: { ...webhook, runEnded: { workflow: 'values' } } }, '/spec/on');
  await expect(applied('wrong', { on: { webhook: { secret: 'secret://none' } } })).rejects.toMatchObject({ code: 'invalid' });
  await expect(applied('wrong', { on: webhook }, { as: { roles: ['viewer'] } })).rejects.toMatchObject({ code: 'forbidden' });
  const page = await service.request(listTriggers, { kind: 'runEnded', limit: 2 });
  expect(page.data.map(({ name }) => name)).toEqual(['after-fails', 'after-first']);
  expect(
    (await service.request(listTriggers, { kind: 'runEnded', cursor: page.nextCursor as string })).data.map(({ name }) => name),
  ).toEqual(['after-waits', 'to-ping', 'to-pong']);
  expect((await service.request(listTriggers, { q: 'github' })).data).toHaveLength(1);
  expect((await service.request(listTriggers, {}, { as: foreign })).data).toEqual([]);
  await expect(service.request(getTrigger, { name: 'push' }, { as: foreign })).rejects.toMatchObject({ code: 'not_found' });
});
