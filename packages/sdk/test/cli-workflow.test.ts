import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { page, problem, RestDouble } from './rest-double.ts';
import { signalbox as run, type Printed } from './terminal-double.ts';

let rest: RestDouble;

beforeEach(async () => {
  rest = await RestDouble.start();
});
afterEach(() => rest.stop());

function signalbox(...args: string[]): Promise<Printed> {
  return run(args, { env: { SIGNALBOX_URL: rest.url, SIGNALBOX_API_KEY: 'sbx_test' } });
}

const at = '2026-11-24T12:00:00.000Z';
const active = { since: at, because: 'nobody is there for writer: it is idle', how: 'auto', by: 'execution' };
const scaleBack = { to: 'review-single', afterMs: 30_000, restoreMs: 120_000, waitOverMs: 20_000, agents: null, active: null };
const workflow = {
  ...{ name: 'review', description: null, labels: {}, hash: `sha256:${'0'.repeat(64)}`, version: 3, steps: 4, input: null, scaleBack },
  ...{ createdAt: at, updatedAt: at },
};

test('workflows are a table that says which are scaled back, and why', async () => {
  rest.on(
    'GET /workflows',
    page([
      { ...workflow, scaleBack: { ...scaleBack, active } },
      { ...workflow, name: 'plain', scaleBack: undefined },
    ]),
  );
  const { out, exit } = await signalbox('workflow', 'list');
  expect(exit).toBe(0);
  const rows = out.split('\n').map((row) => row.trim().split(/ {2,}/));
  expect(rows[1]).toEqual(['review', '4', '3', 'review-single', 'nobody is there for writer: it is idle']);
  expect(rows[2]).toEqual(['plain', '4', '3', 'plain']);
});

test('one says what its new runs get, and what has to last for that to change', async () => {
  rest.on('GET /workflows/review', workflow);
  expect((await signalbox('workflow', 'get', 'review')).out).toContain(
    'in which its agents are not there, or a task of theirs has waited for 20.0 s, new runs get review-single',
  );
  rest.on('GET /workflows/plain', { ...workflow, name: 'plain', scaleBack: undefined });
  expect((await signalbox('workflow', 'get', 'plain')).out).toContain('It names no smaller workflow');
});

test('what it was is a table, and what it is made again is shown, asked, and told', async () => {
  const version = (number: number, more: object = {}): object => ({
    ...{ version: number, hash: `sha256:${'1'.repeat(64)}`, current: false, steps: 4, createdBy: 'ada', createdAt: at },
    ...more,
  });
  rest.on(
    'GET /workflows/review/versions',
    page([version(3, { current: true, revertedTo: 1 }), version(2), version(1, { createdBy: '' })]),
  );
  const { out } = await signalbox('workflow', 'versions', 'review');
  const rows = out.split('\n').map((row) => row.trim().split(/ {2,}/));
  expect(rows[1]).toEqual(['3', '4', 'sha256:111111111111', expect.any(String), 'ada', 'current, reverted to 1']);
  expect(rows[3]?.[4]).toBe('not known');

  const changes = [{ path: 'spec.steps.read.agent', from: 'reader', to: 'writer' }];
  rest.on('POST /workflows/review/revert', { action: 'updated', changes, resource: { ...workflow, version: 4 } });
  const looked = await signalbox('workflow', 'revert', 'review', '2', '--dry-run');
  expect(looked.out).toContain('spec.steps.read.agent: "reader" → "writer"');
  expect(rest.seen.at(-1)).toMatchObject({ body: { version: 2 } });
  expect(rest.seen).toHaveLength(2);
  expect(await signalbox('workflow', 'revert', 'review', '2')).toMatchObject({ exit: 2, err: expect.stringContaining('--yes') });
  expect((await signalbox('workflow', 'revert', 'review', '2', '--yes')).out).toContain('review is what it was at version 2, as version 4');
  expect(await signalbox('workflow', 'revert', 'review', 'two')).toMatchObject({ exit: 2 });
  rest.on('POST /workflows/review/revert', { action: 'unchanged', changes: [], resource: workflow });
  expect((await signalbox('workflow', 'revert', 'review', '3')).out).toContain('nothing to change');
});

test('by hand it is scaled back with a reason, and restored', async () => {
  rest.on('POST /workflows/review/scale-back', {
    ...workflow,
    scaleBack: { ...scaleBack, active: { ...active, how: 'hand', by: 'ada', because: 'a drill' } },
  });
  const { out } = await signalbox('workflow', 'scale-back', 'review', '--reason', 'a drill');
  expect(rest.seen.at(-1)?.body).toEqual({ reason: 'a drill' });
  expect(out).toContain('new runs get review-single. a drill');
  expect(out).toContain('signalbox workflow restore review');
  rest.on('POST /workflows/review/restore', workflow);
  expect((await signalbox('workflow', 'restore', 'review')).out).toContain('New runs get review.');
  rest.on('POST /workflows/plain/scale-back', problem(409, 'conflict', 'the workflow plain names no smaller one'));
  const refused = await signalbox('workflow', 'scale-back', 'plain');
  expect(refused).toMatchObject({ exit: 6, err: expect.stringContaining('names no smaller one') });
});

test('a run says that it is not what was asked for', async () => {
  const insteadOf = { workflow: 'review', because: 'nobody is there for writer: it is idle' };
  rest.on('POST /workflows/review/runs', { id: 'run_1', workflow: 'review-single', status: 'queued', reason: null, insteadOf });
  expect((await signalbox('run', 'review')).out).toContain('review is scaled back to review-single: nobody is there for writer');
});
