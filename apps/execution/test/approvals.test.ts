import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { answerApproval } from '@signalbox/shared/contracts/execution/answer-approval.js';
import { approvalChanged } from '@signalbox/shared/contracts/execution/approval-changed.js';
import type { ApprovalView } from '@signalbox/shared/contracts/execution/approval-view.js';
import { applyWorkflow } from '@signalbox/shared/contracts/execution/apply-workflow.js';
import { cancelRun } from '@signalbox/shared/contracts/execution/cancel-run.js';
import { getApproval } from '@signalbox/shared/contracts/execution/get-approval.js';
import { listApprovals, type ListApprovalsRequest } from '@signalbox/shared/contracts/execution/list-approvals.js';
import { listRunEvents } from '@signalbox/shared/contracts/execution/list-run-events.js';
import { startRun } from '@signalbox/shared/contracts/execution/start-run.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import { auditEvents } from '@signalbox/shared/outbox/audit.js';
import type { ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { apply, ended, insist, start, startExecution, until, workflow } from './peers.ts';

let service: ServiceUnderTest;

const ann = { principal: newId('user'), name: 'ann', roles: ['operator' as const] };
const bob = { principal: newId('user'), name: 'bob', roles: ['admin' as const] };
const eve = { principal: newId('user'), name: 'eve', roles: ['viewer' as const] };

beforeAll(async () => {
  service = await startExecution({});
  await insist(() => apply(service, 'release', release));
}, 120_000);

afterAll(async () => {
  await service?.[Symbol.asyncDispose]();
});

const form = { type: 'object', required: ['percent'], properties: { percent: { type: 'integer', maximum: 100 } } };
const release = {
  ask: {
    label: 'Go live',
    approval: { message: 'Release ${{ input.version }}?', by: { principals: ['ann'] }, notBy: 'starter', form, deadline: '1h' },
    with: { notes: '${{ input.notes }}' },
  },
  go: { value: '${{ steps.ask.output }}' },
};

/** A run that waits for an approval, and that approval as the caller sees it. */
async function asked(
  input: object,
  as: typeof ann | typeof bob | typeof eve = ann,
  workflow = 'release',
): Promise<{ run: string; open: ApprovalView }> {
  const { id } = await insist(() => service.request(startRun, { workflow, input }, { as: bob }));
  await until(service, id, ({ status }) => status === 'waiting');
  const [open] = await list({ run: id }, as);
  return { run: id, open: open as ApprovalView };
}

async function list(filter: ListApprovalsRequest = {}, as: typeof ann | typeof bob | typeof eve = ann): Promise<ApprovalView[]> {
  return (await service.request(listApprovals, filter, { as })).data;
}

test('a person sees what is asked, answers it, and the run goes on with the answer', async () => {
  const changes = await service.record(approvalChanged);
  const audit = await service.record(auditEvents.execution);
  const { run, open } = await asked({ version: 'v1', notes: ['fast'] });
  expect(open).toMatchObject({
    run,
    workflow: 'release',
    step: 'ask',
    label: 'Go live',
    message: 'Release v1?',
    status: 'open',
    by: { roles: [], principals: ['ann'] },
    answeredBy: null,
    mayAnswer: true,
    whyNot: null,
  });
  expect(await service.request(getApproval, { approval: open.id }, { as: eve })).toMatchObject({
    shown: { notes: ['fast'] },
    form,
    startedBy: 'bob',
    onDeadline: 'fail',
    onReject: 'fail',
    mayAnswer: false,
    whyNot: 'it needs the permission approvals:answer',
  });
  const { steps } = await until(service, run, () => true);
  expect(steps[0]).toMatchObject({
    kind: 'approval',
    input: { notes: ['fast'] },
    waitingFor: [{ on: `approval:${open.id}`, because: expect.stringMatching(/^ann may answer until 2/) as unknown as string }],
  });
  const answer = { approval: open.id, approved: true, data: { percent: 10 }, comment: ' slowly ' };
  const reply = await service.request(answerApproval, answer, { as: ann });
  expect(reply).toMatchObject({
    status: 'approved',
    answeredBy: { id: ann.principal, name: 'ann' },
    data: { percent: 10 },
    comment: 'slowly',
  });
  expect(await ended(service, run)).toMatchObject({
    status: 'succeeded',
    output: {
      go: { approved: true, by: { id: ann.principal, name: 'ann' }, at: reply.answeredAt, data: { percent: 10 }, comment: 'slowly' },
    },
  });
  expect(await service.request(answerApproval, answer, { as: ann })).toEqual(reply); // its answer may have been lost
  await expect(service.request(answerApproval, { ...answer, approved: false }, { as: ann })).rejects.toMatchObject({
    code: 'conflict',
    detail: expect.stringMatching(/^it was approved by ann at 2/) as unknown as string,
  });
  const { data } = await service.request(listRunEvents, { run });
  expect(data.find(({ type }) => type === 'step.answered')).toMatchObject({ step: 'ask', message: 'approved by ann: slowly' });
  await changes.next(({ id, status }) => id === open.id && status === 'approved');
  const about = changes.heard.filter(({ entity }) => entity === open.id);
  expect(about.map(({ version, payload }) => [version, payload.status])).toEqual([
    [1, 'open'],
    [2, 'approved'],
  ]);
  expect(await audit.next(({ action }) => action.startsWith('approval.'))).toMatchObject({
    principal: ann.principal,
    action: 'approval.approve',
    target: `approval ${open.id}`,
    detail: { run },
  });
});

test('who may not answer is refused and told why, whatever the door', async () => {
  const { open } = await asked({ version: 'v2', notes: null });
  const answer = { approval: open.id, approved: true, data: { percent: 1 } };
  await expect(service.request(answerApproval, answer, { as: eve })).rejects.toMatchObject({ code: 'forbidden' });
  await expect(service.request(answerApproval, answer, { as: bob })).rejects.toMatchObject({
    code: 'forbidden',
    detail: 'whoever started the run may not answer it',
  });
  const carl = { ...bob, principal: newId('user'), name: 'carl' };
  await expect(service.request(answerApproval, answer, { as: carl })).rejects.toMatchObject({
    code: 'forbidden',
    detail: 'only ann may answer it',
  });
  const narrowed = { ...ann, scopes: ['runs:*'] };
  await expect(service.request(answerApproval, answer, { as: narrowed })).rejects.toMatchObject({ code: 'forbidden' });
  const elsewhere = { ...ann, workspace: randomUUID() };
  await expect(service.request(answerApproval, answer, { as: elsewhere })).rejects.toMatchObject({ code: 'not_found' });
  await expect(service.request(getApproval, { approval: open.id }, { as: elsewhere })).rejects.toMatchObject({ code: 'not_found' });
  expect((await service.request(listApprovals, {}, { as: elsewhere })).data).toEqual([]);
  expect(await service.request(getApproval, { approval: open.id }, { as: ann })).toMatchObject({ status: 'open' });
});

test('an answer has the data that the form asks for; a rejection need not', async () => {
  const { run, open } = await asked({ version: 'v3', notes: null });
  const wrong = { approval: open.id, approved: true, data: { percent: 101 } };
  await expect(service.request(answerApproval, wrong, { as: ann })).rejects.toMatchObject({
    code: 'invalid',
    errors: [{ pointer: '/data/percent', detail: 'must be <= 100' }],
  });
  await expect(service.request(answerApproval, { approval: open.id, approved: true }, { as: ann })).rejects.toMatchObject({
    code: 'invalid',
  });
  await service.request(answerApproval, { approval: open.id, approved: false, comment: 'too early' }, { as: ann });
  expect(await ended(service, run)).toMatchObject({
    status: 'failed',
    reason: 'rejected',
    error: { code: 'rejected', detail: 'ask: ann rejected it: too early' },
  });
  await apply(service, 'plain', { ask: { approval: 'Go?' } });
  const plain = await asked({}, bob, 'plain');
  await expect(service.request(answerApproval, { approval: plain.open.id, approved: true, data: 1 }, { as: bob })).rejects.toMatchObject({
    code: 'invalid',
    detail: 'this approval has no form',
  });
});

test('of two who answer at once one is told who was first', async () => {
  await apply(service, 'race', { ask: { approval: 'Go?' } });
  const { run, open } = await asked({}, bob, 'race');
  const answers = await Promise.allSettled(
    [ann, bob].map((as, index) => service.request(answerApproval, { approval: open.id, approved: index === 0, comment: as.name }, { as })),
  );
  const lost = answers.filter((answer) => answer.status === 'rejected').map((answer) => answer.reason as unknown);
  expect(lost).toMatchObject([
    { code: 'conflict', detail: expect.stringMatching(/^it was (?:approved by ann|rejected by bob)/) as unknown },
  ]);
  const { data } = await service.request(listRunEvents, { run });
  expect(data.filter(({ type }) => type === 'step.answered')).toHaveLength(1);
});

test('what is open waits through a restart, and is escalated and ended at its time', async () => {
  const changes = await service.record(approvalChanged);
  const escalate = [{ after: 400, by: { roles: ['admin'] } }];
  const asks = { message: 'Go?', by: { principals: ['ann'] }, escalate, deadline: '1h', remind: [3_599_600, '1m'] };
  await apply(service, 'late', { ask: { approval: asks } });
  await apply(service, 'never', { ask: { approval: { message: 'Go?', deadline: 400, onDeadline: 'reject' } } });
  await apply(service, 'gone', { ask: { approval: { message: 'Go?', deadline: 400 } } });
  const late = await asked({}, bob, 'late');
  expect(late.open).toMatchObject({ mayAnswer: false, whyNot: 'only ann may answer it' });
  const never = await start(service, { workflow: 'never', input: {} });
  const gone = await start(service, { workflow: 'gone', input: {} });
  await service.stop();
  await new Promise((resolve) => setTimeout(resolve, 500));
  await service.start();
  expect(await ended(service, never.id)).toMatchObject({ status: 'failed', error: { detail: 'ask: the deadline rejected it' } });
  expect(await ended(service, gone.id)).toMatchObject({ status: 'failed', reason: 'timeout', error: { code: 'timeout' } });
  expect(await list({ run: never.id })).toMatchObject([{ status: 'rejected', answeredBy: null }]);
  expect(await list({ run: gone.id })).toMatchObject([{ status: 'expired', answeredBy: null }]);
  const seen = await insist(() => service.request(getApproval, { approval: late.open.id }, { as: bob }));
  expect(seen).toMatchObject({ mayAnswer: true, by: { roles: ['admin'], principals: ['ann'] }, escalations: [] });
  expect(seen).toMatchObject({
    remindedAt: expect.any(String),
    reminders: [new Date(Date.parse(seen.deadline ?? '') - 60_000).toISOString()],
  });
  expect(await list({ run: late.run })).toMatchObject([{ remindedAt: seen.remindedAt }]);
  await changes.next(({ id, status, reminders }) => id === late.open.id && status === 'open' && reminders === 1);
  const { data } = await service.request(listRunEvents, { run: late.run });
  expect(data).toContainEqual(expect.objectContaining({ type: 'step.reminded', step: 'ask', message: 'reminder 1' }));
  await service.request(answerApproval, { approval: late.open.id, approved: true }, { as: bob });
  expect((await ended(service, late.run)).status).toBe('succeeded');
}, 60_000);

test('approvals are listed page by page, filtered, and the open ones of a run that ends are withdrawn', async () => {
  await apply(service, 'many', { each: { forEach: '${{ input.names }}', approval: 'Send it to ${{ item }}?' } });
  const { id } = await start(service, { workflow: 'many', input: { names: ['kiel', 'bonn', 'jena'] } });
  await until(service, id, ({ status }) => status === 'waiting');
  const first = await service.request(listApprovals, { workflow: 'many', limit: 2 }, { as: ann });
  const second = await service.request(listApprovals, { workflow: 'many', limit: 2, cursor: first.nextCursor! }, { as: ann });
  // Asked in one moment, they come in any order.
  const all = [...first.data, ...second.data];
  expect(all.map(({ step }) => step).sort()).toEqual(['each[0]', 'each[1]', 'each[2]']);
  expect(second.nextCursor).toBeNull();
  expect((await list({ run: id, q: 'BONN send' })).map(({ message }) => message)).toEqual(['Send it to bonn?']);
  const of = (step: string): string => all.find((each) => each.step === step)?.id ?? '';
  await service.request(answerApproval, { approval: of('each[2]'), approved: true }, { as: ann });
  expect(await list({ run: id, mine: true }, ann)).toHaveLength(3);
  expect((await list({ run: id, mine: true }, bob)).map(({ step }) => step).sort()).toEqual(['each[0]', 'each[1]']);
  expect(await list({ run: id, mine: true }, eve)).toEqual([]);
  expect((await list({ run: id, status: ['approved'] })).map(({ step }) => step)).toEqual(['each[2]']);
  await service.request(cancelRun, { run: id });
  await ended(service, id);
  expect((await list({ run: id })).map(({ status }) => status).sort()).toEqual(['approved', 'withdrawn', 'withdrawn']);
  await expect(service.request(answerApproval, { approval: of('each[0]'), approved: true }, { as: ann })).rejects.toMatchObject({
    code: 'conflict',
    detail: 'nobody asks any more: it ended without an answer',
  });
  expect((await service.request(listApprovals, { cursor: 'WyJ4Il0' }, { as: ann })).data).toEqual([]);
});

test('a form that is no schema, and a name nobody has, are refused when the workflow is applied', async () => {
  const refused = (approval: unknown, rest: object = {}): Promise<unknown> =>
    service.request(applyWorkflow, { name: 'wrong', manifest: workflow('wrong', { ask: { approval, ...rest } }) });
  await expect(refused({ message: 'x', form: { type: 'nothing' } })).rejects.toMatchObject({
    code: 'invalid',
    errors: [{ pointer: '/spec/steps/ask/approval/form' }],
  });
  await expect(refused({ message: 'x', by: { roles: ['viewer'] } })).rejects.toMatchObject({ code: 'invalid' });
  await expect(refused('x', { timeout: '1m' })).rejects.toMatchObject({
    errors: [{ pointer: '/spec/steps/ask/timeout', detail: 'an approval has no timeout: give it a deadline' }],
  });
});
