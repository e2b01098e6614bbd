import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { page, problem, RestDouble } from './rest-double.ts';
import { signalbox as run } from './terminal-double.ts';
import type { Printed } from './terminal-double.ts';

let rest: RestDouble;

beforeEach(async () => {
  rest = await RestDouble.start();
});
afterEach(() => rest.stop());

function signalbox(...args: string[]): Promise<Printed> {
  return run(args, { env: { SIGNALBOX_URL: rest.url, SIGNALBOX_API_KEY: 'sbx_test' } });
}

test('channels are listed with how the last message went, tested and removed', async () => {
  rest.on(
    'GET /channels',
    page([
      {
        ...{ name: 'ops', description: '', labels: {}, type: 'slack', secrets: ['ops-url'], state: 'paused', stateReason: 'gone' },
        ...{ appliedBy: 'ann', lastSentAt: null, lastFailure: 'the receiver answered 410: it is gone', version: 1, updatedAt: '' },
      },
    ]),
  );
  const { out } = await signalbox('channels');
  expect(out).toMatch(/ops +slack +‖ paused +never +ops-url +the receiver answered 410: it is gone/);

  rest.on('POST /channels/ops/test', { name: 'ops', tookMs: 12 });
  expect((await signalbox('channels', 'test', 'ops')).out).toBe('ops took it in 12 ms\n');
  rest.on('POST /channels/bad/test', problem(503, 'unavailable', 'the channel bad did not take it: the receiver answered 500'));
  const refused = await signalbox('channels', 'test', 'bad');
  expect(refused.exit).not.toBe(0);
  expect(refused.err).toContain('the channel bad did not take it: the receiver answered 500');

  rest.on('DELETE /channels/ops', { name: 'ops' });
  expect((await signalbox('channels', 'rm', 'ops', '--yes')).out).toBe('ops is removed\n');
});

test('rules say what they tell and when; notifications why one was not taken, and are sent again', async () => {
  const rule = { description: '', labels: {}, channels: ['ops', 'mail'], appliedBy: 'ann', version: 1, updatedAt: '' };
  rest.on(
    'GET /notification-rules',
    page([
      { ...rule, name: 'daily', kind: 'digest', events: [], nextAt: '2026-11-25T09:00:00.000Z' },
      { ...rule, name: 'on-call', kind: 'events', events: ['incident.*'], nextAt: null },
    ]),
  );
  const rules = (await signalbox('notification-rules')).out;
  expect(rules).toMatch(/daily +digest +ops, mail +2026-11-25 09:00 +ann/);
  expect(rules).toMatch(/on-call +incident\.\* +ops, mail +as it happens +ann/);
  rest.on('POST /notification-rules/daily/run', { name: 'daily', messages: 2 });
  expect((await signalbox('notification-rules', 'run', 'daily')).out).toBe('daily is sent to 2 channels\n');
  rest.on('DELETE /notification-rules/daily', { name: 'daily' });
  expect((await signalbox('notification-rules', 'rm', 'daily', '--yes')).out).toBe('daily is removed\n');

  const notification = {
    ...{
      id: 'ntf_1',
      rule: 'on-call',
      channel: 'ops',
      kind: 'events',
      title: 'analyst: lost',
      severity: 'high',
      events: 1,
      status: 'dead',
    },
    ...{ attempts: 15, failure: 'the receiver answered 500', nextAt: null, createdAt: '2026-11-24T11:00:00Z', endedAt: null },
  };
  rest.on('GET /notifications', page([notification]));
  expect((await signalbox('notifications', '--status', 'dead', '--channel', 'ops')).out).toMatch(
    /ntf_1 +✖ dead +ops +on-call +15 .*analyst: lost \(the receiver answered 500\)/,
  );
  expect(rest.seen.at(-1)!.query).toMatchObject({ status: 'dead', channel: 'ops' });
  rest.on('POST /notifications/ntf_1/retry', { ...notification, status: 'waiting' });
  expect((await signalbox('notifications', 'retry', 'ntf_1')).out).toBe('‖ waiting analyst: lost\n');
});

test('reviews say what changed since the last one, and a version is signed off by its number', async () => {
  const review = { agent: 'analyst', changedAt: '2026-11-24T11:00:00Z', changedBy: 'user_ann', signedBy: null, signedAt: null };
  rest.on(
    'GET /reviews',
    page([{ ...review, version: 3, signedVersion: 1, contractChanged: true, changes: ['spec.skills[0].inputSchema'] }]),
  );
  expect((await signalbox('reviews')).out).toMatch(/analyst +3 +1 +changed .*spec\.skills\[0\]\.inputSchema/);
  expect((await signalbox('sign-off', 'analyst')).exit).toBe(2);
  rest.on('POST /agents/analyst/sign-off', { agent: 'analyst', version: 3, by: 'user_ann', at: '' });
  expect((await signalbox('sign-off', 'analyst@3', '--note', 'seen')).out).toBe('analyst version 3 is signed off\n');
  expect(rest.seen.at(-1)!.body).toEqual({ version: 3, note: 'seen' });
});

test('completion offers the channels, rules, messages and versions that a command can take', async () => {
  const complete = async (...words: string[]): Promise<string[]> =>
    (await signalbox('__complete', '--', ...words)).out.split('\n').filter(Boolean);
  rest.on('GET /channels', page([{ name: 'ops' }]));
  rest.on('GET /notification-rules', page([{ name: 'daily' }]));
  rest.on('GET /notifications', page([{ id: 'ntf_1' }]));
  rest.on('GET /reviews', page([{ agent: 'analyst', version: 3 }]));
  expect(await complete('channels', 'test', '')).toEqual(['ops']);
  expect(await complete('notification-rules', 'run', '')).toEqual(['daily']);
  expect(await complete('notifications', 'retry', '')).toEqual(['ntf_1']);
  expect(await complete('sign-off', '')).toEqual(['analyst@3']);
});
