import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { applySchedule } from '@signalbox/shared/contracts/execution/apply-schedule.js';
import { cancelRun } from '@signalbox/shared/contracts/execution/cancel-run.js';
import { deleteSchedule } from '@signalbox/shared/contracts/execution/delete-schedule.js';
import { getRun } from '@signalbox/shared/contracts/execution/get-run.js';
import { getSchedule } from '@signalbox/shared/contracts/execution/get-schedule.js';
import { listRuns } from '@signalbox/shared/contracts/execution/list-runs.js';
import { listScheduleFirings } from '@signalbox/shared/contracts/execution/list-schedule-firings.js';
import { listSchedules } from '@signalbox/shared/contracts/execution/list-schedules.js';
import { pauseSchedule } from '@signalbox/shared/contracts/execution/pause-schedule.js';
import { previewSchedule } from '@signalbox/shared/contracts/execution/preview-schedule.js';
import { resumeSchedule } from '@signalbox/shared/contracts/execution/resume-schedule.js';
import { runSchedule } from '@signalbox/shared/contracts/execution/run-schedule.js';
import type { FiringView } from '@signalbox/shared/contracts/execution/schedule-view.js';
import { signalRun } from '@signalbox/shared/contracts/execution/signal-run.js';
import { auditEvents } from '@signalbox/shared/outbox/audit.js';
import type { ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { setTimeout as sleep } from 'node:timers/promises';
import { apply, ended, insist, start, startExecution } from './peers.ts';

let service: ServiceUnderTest;
const foreign = { workspace: '01900000-0000-7000-8000-00000000000b' };

beforeAll(async () => {
  service = await startExecution({});
  await apply(service, 'values', { a: { value: '${{ input }}' } }, { outputs: '${{ steps.a.output }}' });
  await apply(service, 'waits', { a: { wait: { signal: 'go' } } });
  await apply(service, 'strict', { a: { value: 1 } }, { input: { type: 'object', required: ['n'] } });
}, 120_000);

afterAll(async () => {
  await service?.[Symbol.asyncDispose]();
});

function manifest(name: string, spec: object, metadata: object = {}): Record<string, unknown> {
  return { apiVersion: 'signalbox.dev/v1', kind: 'Schedule', metadata: { name, ...metadata }, spec: { workflow: 'values', ...spec } };
}

function applied(name: string, spec: object, options: Parameters<ServiceUnderTest['request']>[2] = {}): Promise<unknown> {
  return service.request(applySchedule, { name, manifest: manifest(name, spec) }, options);
}

/** As if the last `hours` times of a schedule of every hour had passed while nobody was there. */
async function makeDue(name: string, hours = 0): Promise<void> {
  await service.database.sql(
    `UPDATE schedule SET next_time = date_trunc('hour', now()) - ${hours} * interval '1 hour', look_at = now() WHERE name = '${name}'`,
  );
}

async function firings(name: string): Promise<FiringView[]> {
  return (await service.request(listScheduleFirings, { name })).data;
}

/** The firings, once there are as many, the oldest first. */
async function untilFired(name: string, is: (firings: FiringView[]) => boolean): Promise<FiringView[]> {
  let found: FiringView[] = [];
  for (const until = performance.now() + 20_000; performance.now() < until; await sleep(50)) {
    found = (await firings(name)).reverse();
    if (is(found)) return found;
  }
  throw new Error(`${name} has not fired as expected: ${JSON.stringify(found, null, 1)}`);
}

test('a time starts one run with its input, labels and the rights of who applied it', async () => {
  const input = { at: '${{ schedule.time }}', local: '${{ schedule.localTime }}', by: '${{ schedule.name }}', fixed: 1 };
  const metadata = { labels: { team: 'a' }, description: 'what is done every hour' };
  const spec = { every: '1h', input, timeZone: 'Asia/Kolkata' };
  const reply = await service.request(
    applySchedule,
    { name: 'hourly', manifest: manifest('hourly', spec, metadata) },
    { as: { principal: 'user_ada', name: 'Ada' } },
  );
  expect(reply).toMatchObject({ action: 'created', resource: { state: 'active', appliedBy: 'Ada', every: '1h', last: null, version: 1 } });
  const next = Date.parse(reply.resource.nextTime as string);
  expect(next % 3_600_000).toBe(0);
  await makeDue('hourly');
  const [fired] = await untilFired('hourly', ({ length }) => length === 1);
  const time = next - 3_600_000;
  expect(fired).toMatchObject({ outcome: 'started', time: new Date(time).toISOString(), reason: null, until: null });
  const run = await ended(service, fired?.run as string);
  expect(run).toMatchObject({ startedBy: 'Ada', labels: { team: 'a', schedule: 'hourly' } });
  const local = new Date(time + 5.5 * 3_600_000).toISOString().slice(0, 19);
  expect(run.output).toEqual({ at: new Date(time).toISOString(), local, by: 'hourly', fixed: 1 });
  const view = await service.request(getSchedule, { name: 'hourly' });
  expect(view).toMatchObject({ nextTime: reply.resource.nextTime, lastTime: fired?.time, last: { run: run.id, runStatus: 'succeeded' } });
  const [key] = await service.database.sql<{ key: string }>(`SELECT key FROM start_key WHERE key LIKE 'schedule:%'`);
  expect(key?.key).toMatch(new RegExp(`^schedule:[0-9a-f-]{36}:${new Date(time).toISOString()}$`));
});

test('every second it comes by itself, in its order', async () => {
  await applied('ticks', { every: '1s', overlap: 'allow' });
  const found = await untilFired('ticks', ({ length }) => length >= 3);
  await service.request(pauseSchedule, { name: 'ticks' });
  const started = found.filter(({ outcome }) => outcome === 'started').map(({ time }) => Date.parse(time));
  expect(started.length).toBeGreaterThanOrEqual(2);
  expect(new Set(started).size).toBe(started.length);
  for (const { time, at } of found) expect(Date.parse(at) - Date.parse(time)).toBeGreaterThanOrEqual(0);
});

test('two who look at once, and one who crashed after the start, start one run for one time', async () => {
  const { ScheduleClock } = await import('../src/schedules/schedule-clock.ts');
  const { DueSchedules } = await import('../src/schedules/due-schedules.ts');
  const { Ignition } = await import('../src/schedules/ignition.ts');
  const { RunStore } = await import('../src/runs/run.store.ts');
  const { Engine } = await import('../src/shards/engine.ts');
  const { app } = service;
  const names = Array.from({ length: 24 }, (_, index) => `many-${index}`);
  for (const name of names) await applied(name, { every: '1h' });
  const second = new ScheduleClock(app.get(Engine), app.get(DueSchedules), app.get(Ignition), app.get(RunStore));
  second.onApplicationBootstrap();
  await service.database.sql(`UPDATE schedule SET next_time = date_trunc('hour', now()), look_at = now() WHERE name LIKE 'many-%'`);
  for (const name of names) await untilFired(name, ({ length }) => length === 1);
  // Who has claimed them stands still for longer than a claim: everything is found as if nothing had been said.
  await service.database.sql(`DELETE FROM firing WHERE source IN (SELECT id FROM schedule WHERE name LIKE 'many-%')`);
  await service.database.sql(`UPDATE schedule SET next_time = date_trunc('hour', now()), look_at = now() WHERE name LIKE 'many-%'`);
  for (const name of names) expect((await untilFired(name, ({ length }) => length === 1))[0]).toMatchObject({ outcome: 'started' });
  await second.onModuleDestroy();
  const runs = await service.database.sql<{ n: number }>(`SELECT count(*)::int AS n FROM run WHERE labels->>'schedule' LIKE 'many-%'`);
  expect(runs).toEqual([{ n: names.length }]);
});

test('what was missed is caught up within its window, at most so many, and said as skipped before', async () => {
  await applied('caught', { every: '1h', overlap: 'allow', catchUp: { window: '10h', max: 3 } });
  await makeDue('caught', 8);
  const found = await untilFired('caught', ({ length }) => length >= 4);
  expect(found.map(({ outcome }) => outcome)).toEqual(['skipped', 'started', 'started', 'started']);
  const [skipped, ...started] = found.map(({ time, until, reason }) => ({ at: Date.parse(time), until, reason }));
  expect(skipped?.reason).toMatch(/missed while Signalbox was away/);
  expect(Date.parse(skipped?.until as string)).toBe((started[0]?.at as number) - 3_600_000);
  expect((started[2]?.at as number) - (started[0]?.at as number)).toBe(2 * 3_600_000);
});

test('a time that was being started a day ago is not started again, since nobody can tell; those after it are', async () => {
  const spec = { every: '1h', overlap: 'allow', catchUp: { window: '3d', max: 100 } };
  for (const name of ['doubtful', 'not-looked-at']) await applied(name, spec);
  await service.database.sql(
    `UPDATE schedule SET next_time = date_trunc('hour', now()) - interval '30 hours', look_at = date_trunc('hour', now()) - interval '30 hours' + s.late
       FROM (VALUES ('doubtful', interval '30 seconds'), ('not-looked-at', interval '0')) AS s (n, late) WHERE name = s.n`,
  );
  const doubtful = await untilFired('doubtful', ({ length }) => length >= 31);
  expect(doubtful[0]).toMatchObject({ outcome: 'skipped', reason: expect.stringMatching(/cannot be told/) as unknown });
  expect(new Set(doubtful.slice(1).map(({ outcome }) => outcome))).toEqual(new Set(['started']));
  const others = await untilFired('not-looked-at', ({ length }) => length >= 31);
  expect(new Set(others.map(({ outcome }) => outcome))).toEqual(new Set(['started']));
});

test('a service that was down catches up when it is back', async () => {
  await applied('down', { every: '2s', overlap: 'allow', catchUp: { window: '1m', max: 2 } });
  await untilFired('down', ({ length }) => length >= 1);
  await service.stop();
  const stopped = Date.now();
  await sleep(7_000);
  await service.start();
  const back = Date.now();
  const found = await untilFired('down', (all) => all.some(({ time, outcome }) => outcome === 'started' && Date.parse(time) > back));
  await service.request(pauseSchedule, { name: 'down' });
  const away = found.filter(({ time }) => Date.parse(time) > stopped && Date.parse(time) < back);
  expect(away.filter(({ outcome }) => outcome === 'skipped').length).toBeLessThanOrEqual(1);
  expect(away.filter(({ outcome }) => outcome === 'started').length).toBeGreaterThanOrEqual(1);
  expect(new Set(found.map(({ key }) => key)).size).toBe(found.length);
}, 60_000);

test('while its run lives a time is skipped; queue keeps one and starts it at the end; cancelOther cancels', async () => {
  await applied('over-skip', { workflow: 'waits', every: '1s' });
  const [, skipped] = await untilFired('over-skip', ({ length }) => length >= 2);
  expect(skipped).toMatchObject({ outcome: 'skipped', run: null, reason: 'its run before has not ended' });
  await service.request(pauseSchedule, { name: 'over-skip' });

  await applied('over-queue', { workflow: 'waits', every: '1s', overlap: 'queue' });
  const [first, queued, third] = await untilFired('over-queue', ({ length }) => length >= 3);
  expect(queued).toMatchObject({ outcome: 'waiting', run: null });
  expect(third).toMatchObject({ outcome: 'skipped', reason: 'another time waits for the end of its run already' });
  await sleep(1_100);
  const signalled = Date.now();
  await service.request(signalRun, { run: first?.run as string, name: 'go' });
  const [, started] = await untilFired('over-queue', (all) => all[1]?.outcome === 'started');
  expect(Date.now() - signalled).toBeLessThan(3_000);
  expect(started?.run).not.toBe(first?.run);
  expect(await service.request(getRun, { run: started?.run as string })).toMatchObject({ status: 'waiting' });
  await untilFired('over-queue', (all) => all.some(({ outcome }) => outcome === 'waiting'));
  await service.request(pauseSchedule, { name: 'over-queue' });
  expect((await firings('over-queue')).filter(({ outcome }) => outcome === 'started')).toHaveLength(2);
  expect((await firings('over-queue')).filter(({ outcome }) => outcome === 'waiting')).toHaveLength(0);

  await applied('over-cancel', { workflow: 'waits', every: '1s', overlap: 'cancelOther' });
  const [other, own] = await untilFired('over-cancel', ({ length }) => length >= 2);
  await service.request(pauseSchedule, { name: 'over-cancel' });
  expect(own).toMatchObject({ outcome: 'started' });
  expect(await ended(service, other?.run as string)).toMatchObject({ status: 'cancelled' });
}, 40_000);

test('cancelOther fails visibly behind a run that is set aside, and starts again when that is over', async () => {
  await applied('over-aside', { workflow: 'waits', every: '1s', overlap: 'cancelOther' });
  // A run that goes to rest meanwhile writes its row anew: it is said until it is seen.
  const lastWhile = async (reason: string | null, outcome: string): Promise<FiringView | undefined> => {
    const setAside = `UPDATE run SET reason = $1 WHERE status = 'running' AND labels ->> 'schedule' = 'over-aside'`;
    let last: FiringView | undefined;
    for (const until = performance.now() + 20_000; last?.outcome !== outcome && performance.now() < until; await sleep(50)) {
      await service.database.sql(setAside, [reason]);
      [last] = await firings('over-aside');
    }
    return last;
  };
  expect(await lastWhile('quarantined', 'failed')).toMatchObject({
    reason: expect.stringMatching(/set aside until a person .*signalbox why run_/) as unknown,
  });
  expect(await lastWhile(null, 'started')).toMatchObject({ outcome: 'started' });
  await service.request(pauseSchedule, { name: 'over-aside' });
});

test('a paused schedule starts nothing, says why, and goes on from now when it is resumed', async () => {
  const audit = await service.record(auditEvents.execution);
  await applied('pausing', { every: '1h' });
  const paused = await service.request(pauseSchedule, { name: 'pausing', reason: 'the mill stands still' }, { as: { name: 'Grace' } });
  expect(paused).toMatchObject({ state: 'paused', pausedReason: 'the mill stands still', pausedBy: 'Grace', nextTime: null });
  const changed = await service.request(applySchedule, { name: 'pausing', manifest: manifest('pausing', { every: '1s' }) });
  expect(changed).toMatchObject({ action: 'updated', resource: { state: 'paused', nextTime: null } });
  await sleep(2_500);
  expect(await firings('pausing')).toEqual([]);
  expect(await service.request(resumeSchedule, { name: 'pausing' })).toMatchObject({ state: 'active', pausedReason: null });
  await untilFired('pausing', ({ length }) => length > 0);
  await service.request(deleteSchedule, { name: 'pausing' });
  await expect(service.request(getSchedule, { name: 'pausing' })).rejects.toMatchObject({ code: 'not_found' });
  const actions = ['schedule.apply', 'schedule.pause', 'schedule.apply', 'schedule.resume', 'schedule.delete'];
  await audit.next(({ target, action }) => target === 'schedule pausing' && action === 'schedule.delete');
  const heard = audit.heard.map(({ payload }) => payload).filter(({ target }) => target === 'schedule pausing');
  expect(heard.map(({ action }) => action)).toEqual(actions);
});

test('it runs now when somebody says so, with that one’s rights, once for one key, also while it is paused', async () => {
  await applied('by-hand', { every: '1h', input: { at: '${{ schedule.time }}', manual: '${{ schedule.manual }}' } });
  await service.request(pauseSchedule, { name: 'by-hand' });
  const as = { principal: 'user_ada', name: 'Ada' };
  const first = await insist(() => service.request(runSchedule, { name: 'by-hand', idempotencyKey: 'k' }, { as }));
  const second = await service.request(runSchedule, { name: 'by-hand', idempotencyKey: 'k' }, { as });
  expect(second.id).toBe(first.id);
  expect(await ended(service, first.id)).toMatchObject({ startedBy: 'Ada', output: { manual: true } });
  expect(await firings('by-hand')).toMatchObject([{ key: `manual:${first.id}`, outcome: 'started', reason: 'started by Ada' }]);
  await expect(service.request(runSchedule, { name: 'by-hand' }, { as: { roles: ['viewer'] } })).rejects.toMatchObject({
    code: 'forbidden',
  });
});

test('who may not act any more has schedules that fail visibly, and others’ go on', async () => {
  await applied('revoked', { every: '1h' }, { as: { principal: 'user_gone', name: 'Gone' } });
  const [row] = await service.database.sql<{ grant_id: string }>(`SELECT grant_id FROM schedule WHERE name = 'revoked'`);
  service.bus.issuer.revoke(row?.grant_id as string);
  await makeDue('revoked');
  const [failed] = await untilFired('revoked', ({ length }) => length === 1);
  expect(failed).toMatchObject({ outcome: 'failed', run: null });
  expect(failed?.reason).toMatch(/Gone, who applied this schedule, may not act any more.*Apply the schedule again/);
  expect(await service.request(getSchedule, { name: 'revoked' })).toMatchObject({ state: 'active', last: { outcome: 'failed' } });
  const heir = { as: { principal: 'user_heir', name: 'Heir' } };
  expect(await applied('revoked', { every: '1h' }, heir)).toMatchObject({
    action: 'updated',
    changes: [],
    resource: { appliedBy: 'Heir' },
  });
  await service.database.sql(`DELETE FROM firing WHERE source = (SELECT id FROM schedule WHERE name = 'revoked')`);
  await makeDue('revoked');
  const [fired] = await untilFired('revoked', ({ length }) => length === 1);
  expect(await ended(service, fired?.run as string)).toMatchObject({ startedBy: 'Heir' });
  expect(await applied('revoked', { every: '1h' }, heir)).toMatchObject({ action: 'unchanged' });
});

test('an input that the workflow does not take, and limits that let no further run begin, fail with their reasons', async () => {
  await applied('bad-input', { workflow: 'strict', every: '1h' });
  await makeDue('bad-input');
  expect((await untilFired('bad-input', ({ length }) => length === 1))[0]?.reason).toMatch(/not what the workflow takes/);
  await applied('bad-sum', { every: '1h', input: { n: '${{ schedule.time + 1 }}' } });
  await makeDue('bad-sum');
  expect((await untilFired('bad-sum', ({ length }) => length === 1))[0]).toMatchObject({
    outcome: 'failed',
    reason: expect.stringMatching(/\/spec\/input\/n/) as unknown,
  });
  await apply(service, 'alone', { a: { wait: { signal: 'go' } } }, { limits: { one: { concurrency: 1 } }, onLimit: 'refuse' });
  const { id } = await start(service, { workflow: 'alone' });
  await applied('full', { workflow: 'alone', every: '1h' });
  await makeDue('full');
  expect((await untilFired('full', ({ length }) => length === 1))[0]).toMatchObject({
    outcome: 'failed',
    reason: expect.stringMatching(/^the only place of the limit one of runs is taken/) as unknown,
  });
  await service.request(cancelRun, { run: id });
});

test('what is wrong with a manifest is named by its place, and nothing is stored', async () => {
  const refused = async (spec: object, pointer: string): Promise<void> => {
    const error: unknown = await applied('wrong', spec).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'invalid', errors: [expect.objectContaining({ pointer })] });
  };
  await refused({ cron: '0 25 * * *' }, '/spec/cron');
  await refused({ cron: '@daily', timeZone: 'Nowhere/Land' }, '/spec/timeZone');
  await refused({ every: '1h', catchUp: { window: '31d' } }, '/spec/catchUp/window');
  await refused({ every: '1h', overlap: 'sometimes' }, '/spec/overlap');
  await refused({ every: '1h', input: '${{ steps.a.output }}' }, '/spec/input');
  await refused({ every: '1h', colour: 'red' }, '/spec/colour');
  await expect(applied('wrong', { every: '1h', workflow: 'no-such' })).rejects.toMatchObject({ code: 'not_found' });
  const asAgent = { as: { roles: ['viewer' as const] } };
  await expect(applied('wrong', { every: '1h' }, asAgent)).rejects.toMatchObject({ code: 'forbidden' });
  await expect(service.request(getSchedule, { name: 'wrong' })).rejects.toMatchObject({ code: 'not_found' });
  await expect(service.request(previewSchedule, { cron: 'x' })).rejects.toMatchObject({ errors: [{ pointer: '/cron' }] });
});

test('applying is idempotent, guarded by the version, and a new rhythm counts anew', async () => {
  const first = await service.request(applySchedule, { name: 'versions', manifest: manifest('versions', { cron: '0 3 * * *' }) });
  const same = { name: 'versions', manifest: manifest('versions', { cron: '0 3 * * *' }) };
  expect(await service.request(applySchedule, same)).toMatchObject({ action: 'unchanged', changes: [], resource: { version: 1 } });
  const changed = { name: 'versions', manifest: manifest('versions', { cron: '0 4 * * *' }), expectedVersion: 1 };
  const dry = await service.request(applySchedule, { ...changed, dryRun: true });
  expect(dry).toMatchObject({
    action: 'updated',
    changes: [{ path: 'spec.cron', from: '0 3 * * *', to: '0 4 * * *' }],
    resource: { version: 1 },
  });
  const second = await service.request(applySchedule, changed);
  expect(second.resource).toMatchObject({ version: 2, cron: '0 4 * * *' });
  expect(second.resource.nextTime).not.toBe(first.resource.nextTime);
  await expect(service.request(applySchedule, changed)).rejects.toMatchObject({ code: 'conflict', status: 412 });
});

test('they are listed by name, page by page, by words, workflow and state; another workspace sees none', async () => {
  for (const name of ['page-a', 'page-b', 'page-c']) await applied(name, { cron: '@daily' });
  await service.request(pauseSchedule, { name: 'page-b' });
  const first = await service.request(listSchedules, { q: 'page-', limit: 2 });
  expect(first.data.map(({ name }) => name)).toEqual(['page-a', 'page-b']);
  const rest = await service.request(listSchedules, { q: 'page-', limit: 2, cursor: first.nextCursor as string });
  expect(rest).toMatchObject({ data: [{ name: 'page-c' }], nextCursor: null });
  expect((await service.request(listSchedules, { q: 'page-', state: 'paused' })).data.map(({ name }) => name)).toEqual(['page-b']);
  expect((await service.request(listSchedules, { workflow: 'strict' })).data.map(({ name }) => name)).toEqual(['bad-input']);
  expect((await service.request(listSchedules, {}, { as: foreign })).data).toEqual([]);
  await expect(service.request(getSchedule, { name: 'page-a' }, { as: foreign })).rejects.toMatchObject({ code: 'not_found' });
  await expect(service.request(deleteSchedule, { name: 'page-a' }, { as: foreign })).rejects.toMatchObject({ code: 'not_found' });
  const preview = await service.request(previewSchedule, { cron: '@daily', timeZone: 'Europe/Berlin', count: 3 });
  expect(preview.times).toHaveLength(3);
  expect((await service.request(listRuns, { labels: { schedule: 'page-a' } })).data).toEqual([]);
});

test('the history pages backwards and is bounded; 10,000 schedules are looked at by an index', async () => {
  const [{ id }] = (await service.database.sql<{ id: string }>(`SELECT id FROM schedule WHERE name = 'page-c'`)) as [{ id: string }];
  await service.database.sql(
    `INSERT INTO firing (source, key, workspace, time, outcome) SELECT '${id}', 'k' || n, workspace, now() - n * interval '1 day', 'skipped'
       FROM schedule, generate_series(1, 700) n WHERE name = 'page-c'`,
  );
  await makeDue('page-c');
  await untilFired('page-c', (all) => all.some(({ key }) => !key.startsWith('k')));
  const [count] = await service.database.sql<{ n: number }>(`SELECT count(*)::int AS n FROM firing WHERE source = '${id}'`);
  expect(count?.n).toBe(500);
  const page = await service.request(listScheduleFirings, { name: 'page-c', limit: 2, q: 'k' });
  const after = await service.request(listScheduleFirings, { name: 'page-c', limit: 1, q: 'k', cursor: page.nextCursor as string });
  expect([...page.data, ...after.data].map(({ key }) => key)).toEqual(['k1', 'k2', 'k3']);
  await service.database.sql(
    `INSERT INTO schedule (workspace, name, id, workflow, manifest, version, principal_name, grant_id, next_time, look_at)
       SELECT gen_random_uuid(), 's' || n, gen_random_uuid(), 'values', '{}', 1, 'x', 'x', now() + interval '1 day', now() + interval '1 day' FROM generate_series(1, 10000) n`,
  );
  await service.database.sql(`ANALYZE schedule`);
  const plan = await service.database.sql<Record<string, string>>(
    `EXPLAIN SELECT workspace, name FROM schedule WHERE look_at <= now() ORDER BY look_at LIMIT 64 FOR UPDATE SKIP LOCKED`,
  );
  expect(plan.map((line) => Object.values(line)[0]).join('\n')).toContain('schedule_look');
});
