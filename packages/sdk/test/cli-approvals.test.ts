import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { page, problem, RestDouble } from './rest-double.ts';
import { signalbox } from './terminal-double.ts';
import type { Printed, Surroundings } from './terminal-double.ts';

let rest: RestDouble;

beforeEach(async () => {
  rest = await RestDouble.start();
});
afterEach(() => rest.stop());

function approvals(args: readonly string[], surroundings: Surroundings = {}): Promise<Printed> {
  return signalbox(['approvals', ...args], { ...surroundings, env: { SIGNALBOX_URL: rest.url, SIGNALBOX_API_KEY: 'sbx_test' } });
}

const open = {
  ...{ id: 'approval_1', run: 'run_1', workflow: 'release', step: 'ask', label: 'Go live', message: 'Release v2?', status: 'open' },
  ...{ by: { roles: ['admin'], principals: ['ann'] }, askedAt: '2026-11-24T11:58:00Z', deadline: '2026-11-24T14:00:00Z' },
  ...{ remindedAt: null, answeredAt: null, answeredBy: null, mayAnswer: true, whyNot: null },
};
const detail = {
  ...{
    ...open,
    shown: { notes: 'fast' },
    form: { type: 'object' },
    escalations: [],
    reminders: ['2026-11-24T13:30:00Z'],
    onDeadline: 'reject',
  },
  ...{ startedBy: 'bob', data: null, comment: null },
};
const answered = { status: 'rejected', answeredAt: '2026-11-24T11:59:00Z', answeredBy: { id: 'user_1', name: 'ann' } };

test('approvals are a table, the open ones unless others are asked for', async () => {
  rest.on('GET /approvals', page([open, { ...open, ...answered, by: null }]));
  const rows = (await approvals(['list', '--mine', '--q', 'v2'])).out.split('\n').map((row) => row.trim().split(/ {2,}/));
  expect(rest.seen.at(-1)?.query).toEqual({ status: 'open', mine: 'true', q: 'v2', limit: '50' });
  expect(rows[0]).toEqual(['APPROVAL', 'STATUS', 'WORKFLOW', 'ASKED', 'LEFT', 'BY', 'MESSAGE']);
  expect(rows[1]).toEqual(['approval_1', '‖ open', 'release', '2 min ago', '2 h 0 min', 'admins, ann', 'Release v2?']);
  expect(rows[2]).toEqual(['approval_1', '✖ rejected', 'release', '2 min ago', 'ann', 'Release v2?']);
  rest.on('GET /approvals', page([]));
  expect((await approvals(['list'])).out).toBe('Nothing is open.\n');
  expect((await approvals(['list', '--status', 'all', '--run', 'run_1'])).out).toBe('No approvals.\n');
  expect(rest.seen.at(-1)?.query).toEqual({ run: 'run_1', limit: '50' });
});

test('one is shown with what is asked, and why you may not answer it', async () => {
  rest.on('GET /approvals/approval_1', detail);
  const { out } = await approvals(['show', 'approval_1']);
  expect(out).toContain('may answer: admins, ann, 2 h 0 min left, then: reject');
  expect(out).toContain('reminds in: 1 h 30 min');
  expect(out).toContain('"notes": "fast"');
  expect(out).toContain('next: signalbox approvals approve approval_1, or reject');
  rest.on('GET /approvals/approval_1', { ...detail, mayAnswer: false, whyNot: 'only ann may answer it' });
  const refused = (await approvals(['show', 'approval_1'])).out;
  expect(refused).toContain('you may not: only ann may answer it');
  expect(refused).not.toContain('next:');
  rest.on('GET /approvals/approval_1', { ...detail, ...answered, comment: 'too early' });
  expect((await approvals(['show', 'approval_1'])).out).toContain('answered: ann, 1 min ago: too early');
  rest.on('GET /approvals/approval_1', { ...detail, remindedAt: '2026-11-24T11:59:00Z', reminders: [] });
  expect((await approvals(['show', 'approval_1'])).out).toContain('reminded: 1 min ago');
});

test('it is approved with what its form asks for, or rejected with a comment', async () => {
  rest.on('POST /approvals/approval_1/answer', { ...detail, status: 'approved' });
  expect((await approvals(['approve', 'approval_1', '--input', 'percent=10'])).out).toBe('✔ approved Go live of run_1\n');
  expect(rest.seen.at(-1)?.body).toEqual({ approved: true, data: { percent: 10 } });
  expect(rest.seen.at(-1)?.headers['idempotency-key']).toMatch(/^[0-9a-f]{32}$/);
  rest.on('POST /approvals/approval_1/answer', { ...detail, status: 'rejected' });
  await approvals(['reject', 'approval_1', '--comment', 'too early']);
  expect(rest.seen.at(-1)?.body).toEqual({ approved: false, comment: 'too early' });
  rest.on('POST /approvals/approval_1/answer', () => problem(409, 'conflict', 'it was approved by ann'));
  expect(await approvals(['approve', 'approval_1'])).toMatchObject({ exit: 6, err: expect.stringContaining('approved by ann') as unknown });
});
