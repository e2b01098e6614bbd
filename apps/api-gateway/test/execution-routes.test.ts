import 'reflect-metadata';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Contract } from '@signalbox/shared/bus/contract.js';
import { acceptWork } from '@signalbox/shared/contracts/execution/accept-work.js';
import { answerApproval } from '@signalbox/shared/contracts/execution/answer-approval.js';
import type { ApprovalDetail } from '@signalbox/shared/contracts/execution/approval-view.js';
import { approvalChanged } from '@signalbox/shared/contracts/execution/approval-changed.js';
import { getApproval } from '@signalbox/shared/contracts/execution/get-approval.js';
import { listApprovals } from '@signalbox/shared/contracts/execution/list-approvals.js';
import { applyWorkflow } from '@signalbox/shared/contracts/execution/apply-workflow.js';
import { beatWork } from '@signalbox/shared/contracts/execution/beat-work.js';
import { upgradeRun } from '@signalbox/shared/contracts/execution/upgrade-run.js';
import { forkRun } from '@signalbox/shared/contracts/execution/fork-run.js';
import { releaseRun } from '@signalbox/shared/contracts/execution/release-run.js';
import { resolveStep } from '@signalbox/shared/contracts/execution/resolve-step.js';
import { signalRun } from '@signalbox/shared/contracts/execution/signal-run.js';
import { cancelRun } from '@signalbox/shared/contracts/execution/cancel-run.js';
import { completeWork } from '@signalbox/shared/contracts/execution/complete-work.js';
import { deleteWorkflow } from '@signalbox/shared/contracts/execution/delete-workflow.js';
import { getRun } from '@signalbox/shared/contracts/execution/get-run.js';
import { getStep } from '@signalbox/shared/contracts/execution/get-step.js';
import { getWorkflow } from '@signalbox/shared/contracts/execution/get-workflow.js';
import { invokeAgent } from '@signalbox/shared/contracts/execution/invoke-agent.js';
import { leaseTasks, type LeaseTasksReply } from '@signalbox/shared/contracts/execution/lease-tasks.js';
import { listRunEvents, type ListRunEventsRequest } from '@signalbox/shared/contracts/execution/list-run-events.js';
import { listRuns } from '@signalbox/shared/contracts/execution/list-runs.js';
import { listSteps } from '@signalbox/shared/contracts/execution/list-steps.js';
import { listWorkflowVersions } from '@signalbox/shared/contracts/execution/list-workflow-versions.js';
import { listWorkflows } from '@signalbox/shared/contracts/execution/list-workflows.js';
import { runProgressed, type RunEventView } from '@signalbox/shared/contracts/execution/run-event.js';
import type { RunView, StepView } from '@signalbox/shared/contracts/execution/run-view.js';
import { whyRun } from '@signalbox/shared/contracts/execution/why-run.js';
import { compareRuns } from '@signalbox/shared/contracts/execution/compare-runs.js';
import { getRunState } from '@signalbox/shared/contracts/execution/get-run-state.js';
import { cancelRunOperation } from '@signalbox/shared/contracts/execution/cancel-run-operation.js';
import { getRunOperation } from '@signalbox/shared/contracts/execution/get-run-operation.js';
import { listRunOperations } from '@signalbox/shared/contracts/execution/list-run-operations.js';
import { applyBudget } from '@signalbox/shared/contracts/execution/apply-budget.js';
import type { BudgetView } from '@signalbox/shared/contracts/execution/budget-view.js';
import { deleteBudget } from '@signalbox/shared/contracts/execution/delete-budget.js';
import { getBudget } from '@signalbox/shared/contracts/execution/get-budget.js';
import { listUsage } from '@signalbox/shared/contracts/execution/list-usage.js';
import { listBudgets } from '@signalbox/shared/contracts/execution/list-budgets.js';
import { listLimits } from '@signalbox/shared/contracts/execution/list-limits.js';
import { listRunProblems } from '@signalbox/shared/contracts/execution/list-run-problems.js';
import type { RunOperationView } from '@signalbox/shared/contracts/execution/run-operation.js';
import { shardsTaken } from '@signalbox/shared/contracts/execution/shards-taken.js';
import { startRunOperation } from '@signalbox/shared/contracts/execution/start-run-operation.js';
import { startRun } from '@signalbox/shared/contracts/execution/start-run.js';
import type { WorkflowView } from '@signalbox/shared/contracts/execution/workflow-view.js';
import { applySchedule } from '@signalbox/shared/contracts/execution/apply-schedule.js';
import { getSchedule } from '@signalbox/shared/contracts/execution/get-schedule.js';
import { listSchedules } from '@signalbox/shared/contracts/execution/list-schedules.js';
import { deleteSchedule } from '@signalbox/shared/contracts/execution/delete-schedule.js';
import { pauseSchedule } from '@signalbox/shared/contracts/execution/pause-schedule.js';
import { resumeSchedule } from '@signalbox/shared/contracts/execution/resume-schedule.js';
import { listScheduleFirings } from '@signalbox/shared/contracts/execution/list-schedule-firings.js';
import { applyTrigger } from '@signalbox/shared/contracts/execution/apply-trigger.js';
import { getTrigger } from '@signalbox/shared/contracts/execution/get-trigger.js';
import { listTriggers } from '@signalbox/shared/contracts/execution/list-triggers.js';
import { deleteTrigger } from '@signalbox/shared/contracts/execution/delete-trigger.js';
import { pauseTrigger } from '@signalbox/shared/contracts/execution/pause-trigger.js';
import { resumeTrigger } from '@signalbox/shared/contracts/execution/resume-trigger.js';
import { listTriggerFirings } from '@signalbox/shared/contracts/execution/list-trigger-firings.js';
import { previewSchedule } from '@signalbox/shared/contracts/execution/preview-schedule.js';
import { receiveHook } from '@signalbox/shared/contracts/execution/receive-hook.js';
import { runSchedule } from '@signalbox/shared/contracts/execution/run-schedule.js';
import type { ScheduleView } from '@signalbox/shared/contracts/execution/schedule-view.js';
import type { TriggerView } from '@signalbox/shared/contracts/execution/trigger-view.js';
import { beatInstance } from '@signalbox/shared/contracts/registry/beat-instance.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import { TestBus } from '@signalbox/testkit/test-bus.js';
import { GatewayConfig } from '../src/gateway.config.ts';
import { startGateway, type RunningGateway } from '../src/start-gateway.ts';

const key = 'sbx_execution_routes_key_ann';
const at = '2026-11-24T08:00:00.000Z';
const id = newId('run');
const run: RunView = {
  ...{
    id,
    workflow: 'report',
    workflowHash: `sha256:${'0'.repeat(64)}`,
    status: 'running',
    reason: null,
    labels: {},
    error: null,
    parent: null,
  },
  ...{ startedBy: 'ann', createdAt: at, startedAt: at, endedAt: null },
  ...{ progress: { total: 1, done: 0, running: 1, waiting: 0, failed: 0 }, usage: { inputTokens: 0, outputTokens: 0, costUsd: 0 } },
};
const step: StepView = {
  ...{ key: 'a', step: 'a', index: null, kind: 'agent', label: 'a', status: 'running', agent: 'x', skill: null, tool: null, child: null },
  ...{
    needs: [],
    waitingFor: [],
    queuedAt: at,
    startedAt: at,
    endedAt: null,
    onCriticalPath: true,
    attempts: [],
    input: {},
    output: null,
    error: null,
  },
};
const workflow: WorkflowView = {
  name: 'report',
  description: null,
  labels: {},
  hash: run.workflowHash,
  version: 4,
  steps: 1,
  input: null,
  createdAt: at,
  updatedAt: at,
};
const approvalId = newId('approval');
const approval: ApprovalDetail = {
  ...{ id: approvalId, run: id, workflow: 'report', step: 'ask', label: 'ask', message: 'Go on?', status: 'open', by: null },
  ...{ askedAt: at, deadline: null, remindedAt: null, answeredAt: null, answeredBy: null, mayAnswer: true, whyNot: null },
  ...{
    shown: { a: 1 },
    form: null,
    escalations: [],
    reminders: [],
    onDeadline: 'fail',
    onReject: 'fail',
    startedBy: 'ann',
    data: null,
    comment: null,
  },
};
const manifest = { apiVersion: 'signalbox.dev/v1', kind: 'Workflow', metadata: { name: 'report' }, spec: { steps: { a: { value: 1 } } } };

const budget: BudgetView = {
  scope: 'workflow/report',
  description: null,
  labels: {},
  period: 'day',
  limit: { tokens: 5 },
  perCall: {},
  spent: { tokens: 1, costUsd: 0, steps: 1 },
  given: { tokens: 0, costUsd: 0, steps: 0 },
  renewsAt: '2026-01-02T00:00:00.000Z',
  version: 3,
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:00.000Z',
};
const operation: RunOperationView = {
  id: newId('runop'),
  action: 'cancel',
  filter: { workflow: 'report' },
  from: null,
  note: null,
  status: 'running',
  reason: null,
  total: 1,
  done: 0,
  failed: 0,
  startedBy: 'ann',
  createdAt: at,
  endedAt: null,
};
const source = {
  ...{ name: 'nightly', description: null, labels: {}, workflow: 'report', pausedReason: null, pausedBy: null, last: null },
  ...{ appliedBy: 'ann', version: 4, createdAt: at, updatedAt: at },
};
const schedule: ScheduleView = {
  ...source,
  ...{ id: newId('sched'), cron: '@daily', every: null, timeZone: 'UTC', overlap: 'skip', state: 'active', nextTime: at, lastTime: null },
};
const trigger: TriggerView = { ...source, kind: 'webhook', hook: newId('hook'), watches: null, state: 'active' };
const scheduleManifest = { apiVersion: 'signalbox.dev/v1', kind: 'Schedule', metadata: { name: 'nightly' }, spec: { workflow: 'report' } };

let nats: TestBus;
let gateway: RunningGateway;
let asked: [string, unknown][] = [];
let journal: RunEventView[] = [];
let isEnded = false;
/** Answers of `list-run-events` wait for it, as while a follower reads. */
let reading: Promise<void> = Promise.resolve();
let readings = 0;
let onLease = (): LeaseTasksReply => ({ tasks: [], cancelled: [] });

beforeAll(async () => {
  nats = await TestBus.start();
  nats.issuer.addCredential({ principal: 'user_ann', name: 'ann', roles: ['admin'] }, key);
  const answer = <Request extends object, Reply extends object>(contract: Contract<Request, Reply>, reply: Reply): Promise<void> =>
    nats.answer(contract, (request) => {
      asked.push([contract.subject.replace('sb.execution.', ''), JSON.parse(JSON.stringify(request))]);
      return reply;
    });
  await answer(applyWorkflow, { action: 'updated', changes: [], resource: workflow });
  await answer(getWorkflow, { ...workflow, manifest });
  await answer(listWorkflows, { data: [workflow], nextCursor: null });
  const version = { version: 4, hash: workflow.hash, current: true, steps: 1, createdBy: 'ann', createdAt: at };
  await answer(listWorkflowVersions, { data: [version], nextCursor: null });
  await answer(deleteWorkflow, {});
  await nats.answer(startRun, (request) => {
    asked.push(['run.start', JSON.parse(JSON.stringify(request))]);
    if (request.workflow === 'busy')
      throw new Fault('limited', 'too many changes wait', 'Start fewer runs at once.', { retryAfterMs: 1_500 });
    return request.waitMs === 7 || request.workflow === 'values' ? { ...run, status: 'succeeded' } : run;
  });
  await answer(listRuns, { data: [run], nextCursor: null });
  await answer(getRun, { ...run, steps: [step], nextSteps: null });
  await answer(listSteps, { data: [step], nextCursor: null });
  await answer(getStep, step);
  await answer(releaseRun, run);
  await answer(resolveStep, step);
  await answer(cancelRun, { ...run, status: 'cancelled' });
  await answer(signalRun, run);
  await answer(forkRun, run);
  await answer(upgradeRun, { outcome: 'possible', from: 'a', to: 'b', obstacles: [], asBegun: [], changes: [], run });
  await answer(getRunState, { ...run, seq: 3, lastSeq: 9, at, steps: [step], nextSteps: null });
  await answer(compareRuns, { a: run, b: run, isSameDefinition: true, input: [], output: [], steps: [], nextCursor: null });
  await answer(whyRun, { run: id, step: null, chain: [], open: [] });
  await nats.answer(startRunOperation, (request) => {
    asked.push(['run-operation.start', JSON.parse(JSON.stringify(request))]);
    return { operation: request.dryRun ? null : operation, count: 1, isMore: false, before: '2026-01-01T00:00:00.000Z', sample: [run] };
  });
  await answer(getRunOperation, { ...operation, failures: [{ run: id, code: 'conflict' as const, detail: 'x' }] });
  await answer(cancelRunOperation, { ...operation, status: 'cancelled' });
  await answer(listRunOperations, { data: [operation], nextCursor: null });
  await answer(applyBudget, { action: 'created', changes: [], resource: budget });
  await answer(getBudget, { ...budget, slices: budget.given });
  await answer(listBudgets, { data: [budget], nextCursor: null });
  await answer(deleteBudget, {});
  await answer(listUsage, {
    data: [],
    nextCursor: null,
    total: { attempts: 0, inputTokens: 0, outputTokens: 0, costUsd: 0 },
    from: at,
    to: at,
  });
  await answer(listLimits, { data: [], nextCursor: null, calls: { places: 448, most: 336, running: 0 }, missing: 0 });
  await answer(listRunProblems, { data: [], nextCursor: null, isMore: false });
  await answer(applySchedule, { action: 'created', changes: [], resource: schedule });
  await answer(getSchedule, { ...schedule, manifest: scheduleManifest });
  await answer(listSchedules, { data: [schedule], nextCursor: null });
  await answer(pauseSchedule, schedule);
  await answer(resumeSchedule, schedule);
  await answer(deleteSchedule, {});
  await answer(listScheduleFirings, { data: [], nextCursor: null });
  await answer(previewSchedule, { times: [at] });
  await answer(runSchedule, run);
  await answer(applyTrigger, { action: 'created', changes: [], resource: trigger });
  await answer(getTrigger, { ...trigger, manifest: scheduleManifest });
  await answer(listTriggers, { data: [trigger], nextCursor: null });
  await answer(pauseTrigger, trigger);
  await answer(resumeTrigger, trigger);
  await answer(deleteTrigger, {});
  await answer(listTriggerFirings, { data: [], nextCursor: null });
  await nats.answer(receiveHook, (request) => {
    if (request.signature !== 'good') throw new Fault('unauthenticated', 'there is no such hook', 'Check it.');
    asked.push(['hook.receive', JSON.parse(JSON.stringify(request))]);
    return { outcome: 'started' as const, reason: null, run: id };
  });
  await answer(listApprovals, { data: [approval], nextCursor: null });
  await answer(getApproval, approval);
  await answer(answerApproval, { ...approval, status: 'approved' });
  await nats.answer(leaseTasks, (request) => {
    asked.push(['task.lease', JSON.parse(JSON.stringify(request))]);
    return onLease();
  });
  await answer(acceptWork, {});
  await answer(completeWork, {});
  await nats.answer(beatWork, (request, { subject }) => {
    asked.push([subject.replace('sb.execution.', ''), JSON.parse(JSON.stringify(request))]);
    return { cancelled: request.tasks.slice(0, 1) };
  });
  await nats.answer(beatInstance, () => ({ id: newId('instance'), status: 'live' as const, heartbeatMs: 2_000 }));
  await nats.answer(invokeAgent, ({ agent, waitMs }) => {
    if (agent === 'nobody') throw new Fault('not_found', 'there is no agent nobody', 'Apply it.');
    asked.push(['invoke', waitMs]);
    return waitMs === 0 ? run : { ...run, status: 'succeeded', output: 7 };
  });
  await nats.answer(listRunEvents, async ({ run: asking, after = -1, limit = 200 }: ListRunEventsRequest) => {
    readings++;
    if (asking !== id) throw new Fault('not_found', 'there is no such run', 'Check the identifier.');
    await reading;
    const data = journal.filter(({ seq }) => seq > after);
    const bytes = data[0]?.output === undefined ? 0 : JSON.stringify(data[0]).length;
    const count = Math.min(limit, Math.floor(400_000 / bytes));
    return { data: data.slice(0, count), hasMore: data.length > count, isEnded };
  });
  const config = Object.assign(new GatewayConfig(), { port: 0, natsUrl: nats.url, natsCreds: nats.credsFile('api-gateway') });
  gateway = await startGateway(config);
}, 120_000);

afterAll(async () => {
  await gateway?.stop();
  await nats?.[Symbol.asyncDispose]();
});

beforeEach(() => {
  asked = [];
  journal = [];
  isEnded = false;
  reading = Promise.resolve();
  readings = 0;
});

async function send(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: Headers; body: Record<string, unknown> }> {
  const response = await fetch(`${gateway.url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) };
}

function event(seq: number, type: RunEventView['type'], rest: Partial<RunEventView> = {}): RunEventView {
  return { seq, at, run: id, type, ...rest };
}

/** Something happened: it is in the journal, and told live unless `isLost`. */
function happen(happened: RunEventView, isLost = false): void {
  if (happened.type !== 'step.progress') journal.push(happened);
  if (isLost) return;
  const envelope = { id: String(happened.seq), workspace: '', entity: id, version: happened.seq, at: 0, payload: happened };
  nats.connection.publish(runProgressed.subject, JSON.stringify(envelope));
}

/** Opens a stream of events; what comes is collected until it ends. */
async function follow(
  path: string,
  init: RequestInit = {},
): Promise<{ seen: { id?: string; event: string; data: Record<string, unknown> }[]; ended: Promise<void>; response: Response }> {
  const response = await fetch(`${gateway.url}/api/v1${path}`, {
    ...init,
    headers: {
      authorization: `Bearer ${key}`,
      accept: 'text/event-stream',
      'content-type': 'application/json',
      ...(init.headers as Record<string, string>),
    },
  });
  const seen: { id?: string; event: string; data: Record<string, unknown> }[] = [];
  const ended = (async () => {
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk as Uint8Array).toString('utf8');
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const fields = Object.fromEntries(
          text
            .slice(0, end)
            .split('\n')
            .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
        );
        text = text.slice(end + 2);
        if (fields['data'] === undefined) continue;
        seen.push({
          ...(fields['id'] !== undefined && { id: fields['id'] }),
          event: fields['event'] ?? '',
          data: JSON.parse(fields['data']) as Record<string, unknown>,
        });
      }
    }
  })();
  return { seen, ended, response };
}

async function eventually(is: () => boolean): Promise<void> {
  for (const until = performance.now() + 10_000; !is(); await new Promise((resolve) => setTimeout(resolve, 10))) {
    if (performance.now() > until) throw new Error('it did not happen in time');
  }
}

describe('workflows', () => {
  test('are applied as manifest or as text, only looked at, and only over the version that was seen', async () => {
    const applied = await send('PUT', '/workflows/report', manifest);
    expect(applied).toMatchObject({ status: 200, body: { action: 'updated' } });
    expect(applied.headers.get('etag')).toBe('"4"');
    expect(await send('PUT', '/workflows/report?dryRun=true', { source: 'kind: Workflow' }, { 'if-match': '"4"' })).toMatchObject({
      status: 200,
    });
    expect(asked).toEqual([
      ['workflow.apply', { name: 'report', manifest }],
      ['workflow.apply', { name: 'report', source: 'kind: Workflow', dryRun: true, expectedVersion: 4 }],
    ]);
    expect(await send('PUT', '/workflows/report', { ...manifest, steps: {} })).toMatchObject({
      status: 400,
      body: { errors: [{ pointer: '/steps', detail: 'is not a known field' }] },
    });
    expect(await send('PUT', '/workflows/Not-A-Name', manifest)).toMatchObject({ status: 400 });
  });

  test('are made what they were at an earlier version', async () => {
    expect(await send('GET', '/workflows/report/versions?limit=5')).toMatchObject({
      status: 200,
      body: { data: [{ version: 4, current: true }] },
    });
    expect(await send('POST', '/workflows/report/revert?dryRun=true', { version: 2 }, { 'if-match': '"4"' })).toMatchObject({
      status: 200,
    });
    expect(asked).toEqual([
      ['workflow.list-versions', { name: 'report', limit: 5 }],
      ['workflow.apply', { name: 'report', version: 2, dryRun: true, expectedVersion: 4 }],
    ]);
    for (const version of [0, 2 ** 31, 1.5, '2'])
      expect(await send('POST', '/workflows/report/revert', { version })).toMatchObject({ status: 400 });
    expect(await send('POST', '/workflows/report/revert', {})).toMatchObject({ status: 400 });
  });

  test('are read with their ETag, listed and deleted', async () => {
    const found = await send('GET', '/workflows/report');
    expect(found).toMatchObject({ status: 200, body: { name: 'report', manifest } });
    expect(found.headers.get('etag')).toBe('"4"');
    expect(await send('GET', '/workflows?limit=5&q=rep')).toMatchObject({ status: 200, body: { data: [{ name: 'report' }] } });
    expect((await send('DELETE', '/workflows/report')).status).toBe(204);
    expect(asked.at(-2)).toEqual(['workflow.list', { limit: 5, q: 'rep' }]);
    expect(await send('GET', '/workflows?limit=0')).toMatchObject({ status: 400 });
  });
});

describe('runs', () => {
  test('are started with their key, and say where they are', async () => {
    const started = await send(
      'POST',
      '/workflows/report/runs',
      { input: { constructor: 1 }, labels: { a: 'b' } },
      { 'idempotency-key': 'k1' },
    );
    expect(started).toMatchObject({ status: 202, body: { id } });
    expect(started.headers.get('location')).toBe(`/api/v1/runs/${id}`);
    expect(asked).toEqual([['run.start', { workflow: 'report', input: { constructor: 1 }, labels: { a: 'b' }, idempotencyKey: 'k1' }]]);
    expect(await send('POST', '/workflows/report/runs', { steps: [] })).toMatchObject({ status: 400 });
  });

  test('are waited for if asked to: 200 says that they have ended', async () => {
    expect(await send('POST', '/workflows/report/runs?waitMs=5', {})).toMatchObject({ status: 202, body: { id } });
    const ended = await send('POST', '/workflows/report/runs?waitMs=7', {});
    expect(ended).toMatchObject({ status: 200, body: { id, status: 'succeeded' } });
    expect(ended.headers.get('location')).toBe(`/api/v1/runs/${id}`);
    expect((await send('POST', '/workflows/values/runs', {})).status).toBe(202);
    expect(asked).toEqual([
      ['run.start', { workflow: 'report', waitMs: 5 }],
      ['run.start', { workflow: 'report', waitMs: 7 }],
      ['run.start', { workflow: 'values' }],
    ]);
    for (const waitMs of ['55001', '-1', '1.5', 'long', '1&waitMs=2'])
      expect(await send('POST', `/workflows/report/runs?waitMs=${waitMs}`, {})).toMatchObject({ status: 400 });
  });

  test('are listed by status, labels and words', async () => {
    await send('GET', '/runs?status=failed,cancelled&status=waiting&workflow=report&labels=a=b%3Dc&labels=d=&q=x&limit=3');
    expect(asked).toEqual([
      ['run.list', { status: ['failed', 'cancelled', 'waiting'], workflow: 'report', labels: { a: 'b=c', d: '' }, q: 'x', limit: 3 }],
    ]);
    await send(
      'GET',
      '/runs?agent=analyst&startedAfter=2026-01-02T03:04:05Z&costMin=0.5&durationMaxMs=100&errorCode=timeout&problem=open&sort=cost',
    );
    expect(asked.at(-1)?.[1]).toEqual({
      agent: 'analyst',
      startedAfter: '2026-01-02T03:04:05Z',
      costMin: 0.5,
      durationMaxMs: 100,
      errorCode: 'timeout',
      problem: 'open',
      sort: 'cost',
    });
    for (const bad of ['startedAfter=yesterday', 'costMin=-1', 'sort=best', 'errorCode=odd', 'problem=x', 'agent=A', 'limit=1000'])
      expect(await send('GET', `/runs?${bad}`)).toMatchObject({ status: 400 });
    expect(await send('GET', '/runs?status=odd')).toMatchObject({ status: 400 });
    expect(await send('GET', '/runs?labels=none')).toMatchObject({ status: 400 });
  });

  test('are read with their steps, and cancelled', async () => {
    expect(await send('GET', `/runs/${id}`)).toMatchObject({ status: 200, body: { id, steps: [{ key: 'a' }] } });
    expect(await send('GET', `/runs/${id}/steps?limit=2`)).toMatchObject({ status: 200, body: { data: [{ key: 'a' }] } });
    expect(await send('GET', `/runs/${id}/steps/${encodeURIComponent('a[3]')}`)).toMatchObject({ status: 200, body: { key: 'a' } });
    expect(asked.at(-1)).toEqual(['step.get', { run: id, key: 'a[3]' }]);
    expect(await send('POST', `/runs/${id}/cancel`)).toMatchObject({ status: 200, body: { status: 'cancelled' } });
    expect(asked.at(-1)).toEqual([
      'run.cancel',
      { run: id, idempotencyKey: expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown as string },
    ]);
    await send('POST', `/runs/${id}/cancel`, undefined, { 'idempotency-key': 'mine' });
    expect(asked.at(-1)).toEqual(['run.cancel', { run: id, idempotencyKey: 'mine' }]);
    for (const path of ['/runs/run_x', '/runs/run_x/steps', '/runs/run_x/steps/a', '/runs/run_x/events'])
      expect((await send('GET', path)).status).toBe(404);
    expect((await send('POST', '/runs/run_x/cancel')).status).toBe(404);
  });

  test('are forked', async () => {
    const forked = await send('POST', `/runs/${id}/fork`, { from: ['a'], input: { x: 1 }, versions: { b: 3 } });
    expect(forked).toMatchObject({ status: 202, body: { id } });
    expect(asked.at(-1)).toEqual(['run.fork', { run: id, from: ['a'], input: { x: 1 }, versions: { b: 3 } }]);
    expect((await send('POST', `/runs/${id}/fork`)).status).toBe(202);
    expect((await send('POST', '/runs/run_x/fork', {})).status).toBe(404);
    expect((await send('POST', `/runs/${id}/fork`, { from: 'a' })).status).toBe(400);
  });

  test('are upgraded', async () => {
    const upgraded = await send('POST', `/runs/${id}/upgrade`, { dryRun: true });
    expect(upgraded).toMatchObject({ status: 200, body: { outcome: 'possible' } });
    expect(asked.at(-1)).toEqual(['run.upgrade', { run: id, dryRun: true }]);
    expect((await send('POST', `/runs/${id}/upgrade`)).status).toBe(200);
    expect((await send('POST', '/runs/run_x/upgrade', {})).status).toBe(404);
    expect((await send('POST', `/runs/${id}/upgrade`, { hash: 'latest' })).status).toBe(400);
  });

  test('are shown as they stood, and compared', async () => {
    expect(await send('GET', `/runs/${id}/state?seq=3`)).toMatchObject({ status: 200, body: { seq: 3, steps: [{ key: 'a' }] } });
    expect(asked.at(-1)).toEqual(['run.state', { run: id, seq: 3 }]);
    expect((await send('GET', `/runs/${id}/state`)).status).toBe(400);
    expect((await send('GET', `/runs/${id}/state?seq=-1`)).status).toBe(400);
    expect(await send('GET', `/runs/${id}/compare/${id}?limit=5`)).toMatchObject({ status: 200, body: { isSameDefinition: true } });
    expect(asked.at(-1)).toEqual(['run.compare', { run: id, other: id, limit: 5 }]);
    expect((await send('GET', `/runs/${id}/compare/run_x`)).status).toBe(404);
  });

  test('say why they do not go on', async () => {
    expect(await send('GET', `/runs/${id}/why`)).toMatchObject({ status: 200, body: { run: id, chain: [] } });
    expect(asked.at(-1)).toEqual(['run.why', { run: id }]);
    await send('GET', `/runs/${id}/steps/${encodeURIComponent('a[3]')}/why`);
    expect(asked.at(-1)).toEqual(['run.why', { run: id, key: 'a[3]' }]);
    expect((await send('GET', '/runs/run_x/why')).status).toBe(404);
  });

  test('that were set aside are released or fail', async () => {
    expect(await send('POST', `/runs/${id}/release`, { action: 'go-on' })).toMatchObject({ status: 200, body: { id } });
    expect(asked.at(-1)).toEqual(['run.release', { run: id, action: 'go-on' }]);
    expect((await send('POST', `/runs/${id}/release`, { action: 'fail' })).status).toBe(200);
    expect((await send('POST', `/runs/${id}/release`, { action: 'retry' })).status).toBe(400);
    expect((await send('POST', '/runs/run_x/release', { action: 'fail' })).status).toBe(404);
  });

  test('are told what follows a lost attempt', async () => {
    const path = `/runs/${id}/steps/${encodeURIComponent('a[3]')}/resolve`;
    expect(await send('POST', path, { action: 'output', output: { n: 1 } }, { 'idempotency-key': 'k' })).toMatchObject({
      status: 200,
      body: { key: 'a' },
    });
    expect(asked.at(-1)).toEqual(['step.resolve', { run: id, key: 'a[3]', action: 'output', output: { n: 1 }, idempotencyKey: 'k' }]);
    expect((await send('POST', path, { action: 'retry' })).status).toBe(200);
    expect((await send('POST', path, { action: 'again' })).status).toBe(400);
    expect((await send('POST', path, {})).status).toBe(400);
    expect((await send('POST', '/runs/run_x/steps/a/resolve', { action: 'fail' })).status).toBe(404);
  });

  test('get signals', async () => {
    expect(await send('POST', `/runs/${id}/signals/approved`, { data: { by: 'ann' } })).toMatchObject({ status: 200, body: { id } });
    expect(asked.at(-1)).toEqual(['run.signal', { run: id, name: 'approved', data: { by: 'ann' } }]);
    expect((await send('POST', `/runs/${id}/signals/approved`)).status).toBe(200);
    expect(asked.at(-1)).toEqual(['run.signal', { run: id, name: 'approved' }]);
    expect((await send('POST', '/runs/run_x/signals/approved', {})).status).toBe(404);
    expect((await send('POST', `/runs/${id}/signals/a%20b`, {})).status).toBe(400);
    expect((await send('POST', `/runs/${id}/signals/approved`, { other: 1 })).status).toBe(400);
  });
});

describe('approvals', () => {
  test('are listed, read and answered', async () => {
    const list = await send('GET', `/approvals?status=open,rejected&mine=true&run=${id}&workflow=report&q=go&limit=2`);
    expect(list).toMatchObject({ status: 200, body: { data: [{ id: approvalId, mayAnswer: true }], nextCursor: null } });
    const query = { status: ['open', 'rejected'], mine: true, run: id, workflow: 'report', q: 'go', limit: 2 };
    expect(await send('GET', `/approvals/${approvalId}`)).toMatchObject({ status: 200, body: { id: approvalId, shown: { a: 1 } } });
    const body = { approved: true, data: { amount: 3 }, comment: 'fine' };
    expect(await send('POST', `/approvals/${approvalId}/answer`, body)).toMatchObject({ status: 200, body: { status: 'approved' } });
    expect(asked).toEqual([
      ['approval.list', query],
      ['approval.get', { approval: approvalId }],
      ['approval.answer', { approval: approvalId, ...body }],
    ]);
  });

  test.each([
    ['GET', '/approvals?status=odd', undefined, 400],
    ['GET', '/approvals?mine=perhaps', undefined, 400],
    ['GET', '/approvals?run=run_x', undefined, 400],
    ['GET', '/approvals/approval_x', undefined, 404],
    ['POST', '/approvals/approval_x/answer', { approved: true }, 404],
    ['POST', `/approvals/${approvalId}/answer`, {}, 400],
    ['POST', `/approvals/${approvalId}/answer`, { approved: 'yes' }, 400],
    ['POST', `/approvals/${approvalId}/answer`, { approved: true, by: 'ann' }, 400],
    ['POST', `/approvals/${approvalId}/answer`, { approved: true, comment: 'x'.repeat(2_001) }, 400],
  ])('are refused what is wrong: %s %s %j', async (method, path, body, status) => {
    expect((await send(method, path, body)).status).toBe(status);
    expect(asked).toEqual([]);
  });

  test('change live for whoever may read them', async () => {
    const leaving = new AbortController();
    const { seen, ended, response } = await follow('/events', { signal: leaving.signal });
    expect(response.status).toBe(200);
    const payload = { id: approvalId, run: id, workflow: 'report', step: 'ask', status: 'open', at: 0 };
    const envelope = { id: 'e1', workspace: '', entity: approvalId, version: 3, at: 0, payload: { ...payload, version: 9 } };
    nats.connection.publish(approvalChanged.subject, JSON.stringify(envelope));
    await eventually(() => seen.some(({ event: type }) => type === 'approval.changed'));
    expect(seen.find(({ event: type }) => type === 'approval.changed')?.data).toMatchObject({
      run: id,
      status: 'open',
      version: 9,
      about: approvalId,
      revision: 3,
      at: '1970-01-01T00:00:00.000Z',
    });
    leaving.abort();
    await expect(ended).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('operations on many runs', () => {
  test('are looked at first, begun, followed and ended', async () => {
    const filter = { workflow: 'report', status: ['failed'], labels: { a: 'b' }, costMin: 1 };
    expect(await send('POST', '/run-operations', { action: 'cancel', filter, dryRun: true })).toMatchObject({
      status: 200,
      body: { operation: null, count: 1, sample: [{ id }] },
    });
    expect(asked.at(-1)).toEqual(['run-operation.start', { action: 'cancel', filter, dryRun: true }]);
    expect(await send('POST', '/run-operations', { action: 'retry', ids: [id] })).toMatchObject({
      status: 202,
      body: { operation: { total: 1 } },
    });
    expect(await send('GET', `/run-operations/${operation.id}`)).toMatchObject({ status: 200, body: { failures: [{ run: id }] } });
    expect(await send('POST', `/run-operations/${operation.id}/cancel`)).toMatchObject({ status: 200, body: { status: 'cancelled' } });
    expect(await send('GET', '/run-operations?limit=3')).toMatchObject({ status: 200, body: { data: [{ id: operation.id }] } });
    for (const bad of [
      { action: 'explode', filter: {} },
      { action: 'cancel', ids: [] },
      { action: 'cancel', filter: { odd: 1 } },
      { action: 'cancel', ids: ['x'] },
      { action: 'cancel', filter: {}, before: 'noon' },
    ])
      expect((await send('POST', '/run-operations', bad)).status).toBe(400);
    expect((await send('GET', '/run-operations/runop_x')).status).toBe(404);
  });

  test('follow from failures by reason', async () => {
    expect(await send('GET', '/run-problems?workflow=report&limit=5')).toMatchObject({ status: 200, body: { data: [], isMore: false } });
    expect(asked.at(-1)).toEqual(['run-problem.list', { workflow: 'report', limit: 5 }]);
  });
});

describe('budgets', () => {
  test('are set by their scope, read and removed', async () => {
    const set = await send('PUT', '/budgets/workflow%2Freport', { limit: { tokens: 5 }, period: 'day' }, { 'if-match': '"2"' });
    expect([set.status, set.headers.get('etag'), set.body]).toEqual([200, '"3"', { action: 'created', changes: [], resource: budget }]);
    expect(asked.at(-1)).toEqual(['budget.apply', { scope: 'workflow/report', limit: { tokens: 5 }, period: 'day', expectedVersion: 2 }]);
    await send('PUT', '/budgets/workspace?dryRun=true', { limit: { tokens: 5 }, labels: { team: 'a' }, description: 'x' });
    expect(asked.at(-1)).toEqual([
      'budget.apply',
      { scope: 'workspace', limit: { tokens: 5 }, labels: { team: 'a' }, description: 'x', dryRun: true },
    ]);
    expect((await send('PUT', '/budgets/workspace', { limit: { tokens: -5 } })).status).toBe(400);
    for (const path of ['budgets/workspace', 'workflows/report', 'schedules/nightly', 'triggers/nightly']) {
      const before = asked.length;
      // Whoever misspells it wanted to look only.
      const body = path.startsWith('budgets') ? { limit: { tokens: 5 } } : scheduleManifest;
      expect(await send('PUT', `/${path}?dryRun=yes`, body)).toMatchObject({ status: 400, body: { errors: [{ pointer: '/dryRun' }] } });
      expect(asked).toHaveLength(before);
    }
    expect((await send('PUT', '/budgets/team', { limit: { tokens: 5 } })).status).toBe(400);
    const read = await send('GET', '/budgets/workflow%2Freport');
    expect([read.status, read.headers.get('etag'), read.body]).toEqual([200, '"3"', { ...budget, slices: budget.given }]);
    expect(await send('GET', '/budgets?limit=1')).toMatchObject({ status: 200, body: { data: [budget] } });
    expect((await send('DELETE', '/budgets/agent%2Freader')).status).toBe(204);
    expect(asked.at(-1)).toEqual(['budget.delete', { scope: 'agent/reader' }]);
  });
});

describe('usage', () => {
  test('is added up as it is asked for', async () => {
    const { status, body } = await send('GET', '/usage?by=workflow,model&bucket=day&from=2026-11-01&agent=reader&limit=5');
    expect([status, (body as { total: object }).total]).toEqual([200, { attempts: 0, inputTokens: 0, outputTokens: 0, costUsd: 0 }]);
    expect(asked.at(-1)).toEqual(['usage.list', { by: 'workflow,model', bucket: 'day', from: '2026-11-01', agent: 'reader', limit: 5 }]);
    for (const bad of ['by=colour', 'bucket=week', 'from=yesterday', 'limit=0'])
      expect((await send('GET', `/usage?${bad}`)).status).toBe(400);
  });
});

describe('limits', () => {
  test('are listed as they stand', async () => {
    const { status, body } = await send('GET', '/limits?kind=limit&waiting=true&q=ann');
    expect([status, body]).toEqual([200, { data: [], nextCursor: null, calls: { places: 448, most: 336, running: 0 }, missing: 0 }]);
    expect(asked.at(-1)).toEqual(['limit.list', { kind: 'limit', waiting: true, q: 'ann' }]);
    expect((await send('GET', '/limits?kind=other')).status).toBe(400);
  });

  test('a start that comes too early says when to come again, and another how urgent it is', async () => {
    const { status, headers, body } = await send('POST', '/workflows/busy/runs', {});
    expect([status, headers.get('retry-after')]).toEqual([429, '2']);
    expect(body).toMatchObject({ code: 'limited', next: 'Start fewer runs at once.' });
    expect((await send('POST', '/workflows/report/runs', { priority: 1 })).status).toBe(202);
    expect(asked.at(-1)).toEqual(['run.start', expect.objectContaining({ priority: 1 })]);
    expect((await send('POST', '/workflows/report/runs', { priority: 6 })).status).toBe(400);
  });
});

describe('events of a run', () => {
  test('come in pages', async () => {
    journal = [event(0, 'run.started'), event(1, 'step.queued', { step: 'a' }), event(3, 'step.started', { step: 'a' })];
    const first = await send('GET', `/runs/${id}/events?limit=2`);
    expect(first.body['data']).toHaveLength(2);
    const second = await send('GET', `/runs/${id}/events?limit=2&cursor=${first.body['nextCursor'] as string}`);
    expect(second.body).toMatchObject({ data: [{ seq: 3 }], nextCursor: null });
    expect((await send('GET', `/runs/${id}/events?cursor=nonsense`)).status).toBe(400);
    expect((await send('GET', `/runs/${newId('run')}/events`)).status).toBe(404);
  });

  test('are followed from the first to the last, each once and in order, whatever is lost or doubled', async () => {
    journal = [event(0, 'run.started'), event(1, 'step.queued', { step: 'a' })];
    const { seen, ended } = await follow(`/runs/${id}/events`);
    await eventually(() => seen.length === 2);
    happen(event(2, 'step.started', { step: 'a' }));
    happen(event(2, 'step.progress', { step: 'a', message: 'half' }));
    await eventually(() => seen.length === 4);
    happen(event(3, 'step.succeeded', { step: 'a' }), true);
    happen(event(4, 'step.queued', { step: 'b' }));
    await eventually(() => seen.length === 6);
    nats.connection.publish(runProgressed.subject, JSON.stringify({ entity: id, payload: journal[2] }));
    nats.connection.publish(runProgressed.subject, JSON.stringify({ entity: newId('run'), payload: event(9, 'run.failed') }));
    isEnded = true;
    happen(event(5, 'run.succeeded'));
    await ended;
    expect(seen.map(({ id: sequence, event: type }) => `${sequence ?? '-'} ${type}`)).toEqual([
      '0 run.started',
      '1 step.queued',
      '2 step.started',
      '- step.progress',
      '3 step.succeeded',
      '4 step.queued',
      '5 run.succeeded',
    ]);
  });

  test('go on after Last-Event-ID, and end at once for a run that has ended', async () => {
    isEnded = true;
    journal = [event(0, 'run.started'), event(1, 'run.failed', { error: { code: 'internal', detail: 'x' } })];
    const { seen, ended } = await follow(`/runs/${id}/events`, { headers: { 'last-event-id': '0' } });
    await ended;
    expect(seen.map(({ event: type }) => type)).toEqual(['run.failed']);
    const after = await follow(`/runs/${id}/events`, { headers: { 'last-event-id': '1' } });
    await after.ended;
    expect(after.response.status).toBe(204); // a browser's EventSource would come back to anything else
    expect((await follow(`/runs/${newId('run')}/events`)).response.status).toBe(404);
    expect((await follow(`/runs/${id}/events`, { headers: { 'last-event-id': 'x' } })).response.status).toBe(400);
  });

  test('that come while the journal is being read are not lost', async () => {
    journal = [event(0, 'run.started')];
    let go: () => void = () => undefined;
    const opening = follow(`/runs/${id}/events`);
    const { seen, ended } = await opening;
    reading = new Promise((resolve) => (go = resolve));
    happen(event(2, 'step.queued', { step: 'a' }));
    await new Promise((resolve) => setTimeout(resolve, 50));
    isEnded = true;
    happen(event(3, 'run.succeeded'));
    go();
    await ended;
    expect(seen.map(({ id: sequence }) => sequence)).toEqual(['0', '2', '3']);
  });

  test('are read once and told to all who follow, each from where it stands', async () => {
    journal = Array.from({ length: 450 }, (_, seq) => event(seq, seq === 0 ? 'run.started' : 'step.queued', { step: 'a' }));
    const followers = await Promise.all(
      Array.from({ length: 60 }, async (_, n) => {
        const after = (n % 6) * 80 - 1;
        return { after, ...(await follow(`/runs/${id}/events`, after < 0 ? {} : { headers: { 'last-event-id': String(after) } })) };
      }),
    );
    await eventually(() => followers.every(({ seen }) => seen.at(-1)?.id === '449'));
    const before = readings;
    expect(before).toBeLessThanOrEqual(6 * 3 + 1); // three pages from each of six places, were there nothing to share
    for (let seq = 450; seq < 480; seq++) happen(event(seq, 'step.succeeded', { step: 'a' }), seq === 460);
    isEnded = true;
    happen(event(480, 'run.succeeded'));
    await Promise.all(followers.map(({ ended }) => ended));
    for (const { after, seen } of followers) {
      expect(seen.map((told) => Number(told.id))).toEqual(Array.from({ length: 480 - after }, (_, n) => after + 1 + n));
    }
    expect(readings - before).toBeLessThanOrEqual(2); // for the one that was lost
  });

  test('are not read again where a message says that it leaves nothing out', async () => {
    journal = [event(0, 'run.started')];
    const { seen, ended } = await follow(`/runs/${id}/events`);
    await eventually(() => seen.length === 1);
    happen({ ...event(4, 'step.queued', { step: 'a' }), since: 0 } as RunEventView);
    happen({ ...event(7, 'run.succeeded'), since: 4 } as RunEventView);
    await ended;
    expect(seen.map(({ id: sequence }) => sequence)).toEqual(['0', '4', '7']);
    expect(seen[1]?.data).not.toHaveProperty('since');
    expect(readings).toBe(1);
  });

  test('are all told to a reader that is slow, which holds nobody up', async () => {
    journal = [event(0, 'run.started')];
    const { port } = new URL(gateway.url);
    const slow = connect(Number(port), '127.0.0.1');
    slow.write(
      `GET /api/v1/runs/${id}/events HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${key}\r\nAccept: text/event-stream\r\n\r\n`,
    );
    await once(slow, 'data');
    slow.pause();
    const { seen, ended } = await follow(`/runs/${id}/events`);
    // More than sockets and our recent events hold together.
    const output = 'x'.repeat(60_000);
    for (let seq = 1; seq <= 400; seq++) {
      happen(event(seq, 'step.succeeded', { step: 'a', output }));
      if (seq % 20 === 0) await eventually(() => seen.at(-1)?.id === String(seq));
    }
    isEnded = true;
    happen(event(401, 'run.succeeded'));
    await ended;
    const told: number[] = [];
    let text = '';
    for await (const chunk of slow) {
      text += (chunk as Buffer).toString('latin1');
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) if (line.startsWith('id: ')) told.push(Number(line.slice(4)));
      if (told.at(-1) === 401) break;
    }
    expect(told.filter((seq) => seq > 0)).toEqual(Array.from({ length: 401 }, (_, n) => n + 1));
  });

  test('end when the run is deleted', async () => {
    journal = [event(0, 'run.started')];
    const { seen, ended } = await follow(`/runs/${id}/events`);
    await eventually(() => seen.length === 1);
    reading = Promise.reject(new Fault('not_found', 'there is no such run', 'Check the identifier.'));
    happen(event(5, 'step.queued', { step: 'a' }));
    await ended;
    expect(seen).toHaveLength(1);
  });
});

describe('a call to an agent', () => {
  test('answers at once, or when it has ended', async () => {
    expect(await send('POST', '/agents/writer/invoke', { input: 'x' })).toMatchObject({ status: 202, body: { id } });
    expect(await send('POST', '/agents/writer/invoke?waitMs=1000', { skill: 's' })).toMatchObject({ status: 200, body: { output: 7 } });
    expect(asked).toEqual([
      ['invoke', 0],
      ['invoke', 1_000],
    ]);
    expect((await send('POST', '/agents/nobody/invoke', {})).status).toBe(404);
    expect((await send('POST', '/agents/writer/invoke?waitMs=-1', {})).status).toBe(400);
  });

  test('is streamed to its result', async () => {
    journal = [event(0, 'run.started')];
    const { seen, ended } = await follow('/agents/writer/invoke', { method: 'POST', body: '{"input":1}' });
    await eventually(() => seen.length === 1);
    isEnded = true;
    happen(event(1, 'run.succeeded'));
    await ended;
    expect(seen.map(({ event: type }) => type)).toEqual(['run.started', 'run.succeeded', 'result']);
    expect(seen[2]?.data).toMatchObject({ id, steps: [{ key: 'a' }] });
  });
});

describe('a worker by long poll', () => {
  test('leases, accepts, beats by shard, and completes', async () => {
    const tasks = [`${id}.0.x.1`, `${newId('run')}.0.x.1`];
    expect(await send('POST', '/workers/lease', { agent: 'x', instance: 'w1', credit: 2, waitMs: 10, skills: ['s'] })).toMatchObject({
      status: 200,
      body: { tasks: [] },
    });
    expect((await send('POST', '/workers/accept', { task: tasks[0], instance: 'w1' })).status).toBe(200);
    const beat = await send('POST', '/workers/beat', { tasks, instance: 'w1', message: 'half', fraction: 0.5 });
    expect((beat.body['cancelled'] as string[]).length).toBeGreaterThan(0);
    expect((await send('POST', '/workers/complete', { task: tasks[0], instance: 'w1', output: { constructor: 1 } })).status).toBe(200);
    expect(asked.at(-1)?.[1]).toEqual({ task: tasks[0], instance: 'w1', output: { constructor: 1 } });
    expect(asked[0]).toEqual(['task.lease', { agent: 'x', instance: 'w1', credit: 2, waitMs: 10, skills: ['s'] }]);
    expect((await send('POST', '/workers/accept', { task: 'no-task', instance: 'w1' })).status).toBe(400);
    expect((await send('POST', '/workers/lease', { agent: 'x', instance: 'w1', credit: 0 })).status).toBe(400);
  });
});

describe('a worker whose owner died while it waited for tasks', () => {
  const gone = new Fault('unavailable', 'execution broke off', 'Look.', { service: 'execution' });
  const lease = (): ReturnType<typeof send> => send('POST', '/workers/lease', { agent: 'x', instance: 'w1', credit: 1, waitMs: 20_000 });

  test('waits on at the next one', async () => {
    const owner = await nats.as('execution');
    let leases = 0;
    onLease = () => {
      if (++leases > 1) return { tasks: [], cancelled: ['x'] };
      owner.publishLive(shardsTaken, { shards: [1] }, { workspace: '', entity: 'next' });
      throw gone;
    };
    expect(await lease()).toMatchObject({ status: 200, body: { cancelled: ['x'] } });
    expect((asked[1]?.[1] as { waitMs: number }).waitMs).toBeLessThanOrEqual(20_000);
  });

  test('is told so where there is no next one', async () => {
    onLease = () => {
      throw gone;
    };
    expect((await lease()).status).toBe(503);
    expect(asked).toHaveLength(1);
    onLease = () => ({ tasks: [], cancelled: [] });
  });
});

describe('schedules and triggers', () => {
  const kinds = [
    ['schedules', 'schedule'],
    ['triggers', 'trigger'],
  ] as const;

  test.each(kinds)('%s are applied, listed, read, paused, resumed and deleted', async (path, subject) => {
    const body = scheduleManifest;
    expect(await send('PUT', `/${path}/nightly?dryRun=true`, body, { 'if-match': '"4"' })).toMatchObject({
      status: 200,
      body: { action: 'created' },
    });
    expect(await send('PUT', `/${path}/nightly`, { ...body, cron: '@daily' })).toMatchObject({
      status: 400,
      body: { errors: [{ pointer: '/cron' }] },
    });
    expect(await send('GET', `/${path}?workflow=report&q=night&limit=3`)).toMatchObject({
      status: 200,
      body: { data: [{ name: 'nightly' }] },
    });
    const found = await send('GET', `/${path}/nightly`);
    expect(found).toMatchObject({ status: 200, body: { name: 'nightly', manifest: body } });
    expect(found.headers.get('etag')).toBe('"4"');
    expect(await send('POST', `/${path}/nightly/pause`, { reason: 'why not' })).toMatchObject({ status: 200 });
    expect((await send('POST', `/${path}/nightly/pause`)).status).toBe(200);
    expect((await send('POST', `/${path}/nightly/resume`)).status).toBe(200);
    expect(await send('GET', `/${path}/nightly/firings?outcome=failed&limit=2`)).toMatchObject({
      status: 200,
      body: { data: [], nextCursor: null },
    });
    expect((await send('GET', `/${path}/nightly/firings?outcome=odd`)).status).toBe(400);
    expect((await send('DELETE', `/${path}/nightly`)).status).toBe(204);
    expect(asked).toEqual([
      [`${subject}.apply`, { name: 'nightly', manifest: body, dryRun: true, expectedVersion: 4 }],
      [`${subject}.list`, { workflow: 'report', q: 'night', limit: 3 }],
      [`${subject}.get`, { name: 'nightly' }],
      [`${subject}.pause`, { name: 'nightly', reason: 'why not' }],
      [`${subject}.pause`, { name: 'nightly' }],
      [`${subject}.resume`, { name: 'nightly' }],
      [`${subject}.list-firings`, { name: 'nightly', outcome: 'failed', limit: 2 }],
      [`${subject}.delete`, { name: 'nightly' }],
    ]);
  });

  test('a schedule is run now, once for a key, and its times are seen before it is there', async () => {
    const started = await send('POST', '/schedules/nightly/runs', undefined, { 'idempotency-key': 'k' });
    expect(started).toMatchObject({ status: 202, body: { id } });
    expect(started.headers.get('location')).toBe(`/api/v1/runs/${id}`);
    expect(await send('POST', '/schedules/preview', { cron: '@daily', count: 2 })).toMatchObject({ status: 200, body: { times: [at] } });
    expect((await send('POST', '/schedules/preview', { cron: '@daily', count: 1_000 })).status).toBe(400);
    expect(asked).toEqual([
      ['schedule.run', { name: 'nightly', idempotencyKey: 'k' }],
      ['schedule.preview', { cron: '@daily', count: 2 }],
    ]);
  });

  test('a hook takes the bytes as they came, of any type, and no key; wrong signatures are refused, and too many held up', async () => {
    const hook = newId('hook');
    const knock = (path: string, headers: Record<string, string>, body: string | Uint8Array = '{ "a": 1 }'): Promise<Response> =>
      fetch(`${gateway.url}/api/v1/hooks/${path}`, { method: 'POST', headers, body: body as string });
    const answer = await knock(hook, { 'x-signalbox-signature': 'good', 'x-signalbox-delivery': 'd', 'content-type': 'text/plain' });
    expect([answer.status, await answer.json()]).toEqual([202, { outcome: 'started', reason: null, run: id }]);
    await knock(
      hook,
      { 'x-hub-signature-256': 'good', 'x-github-delivery': 'g', 'x-github-event': 'push', 'content-type': 'application/json' },
      new Uint8Array([0, 255]),
    );
    expect(asked).toEqual([
      ['hook.receive', { hook, body: Buffer.from('{ "a": 1 }').toString('base64'), signature: 'good', delivery: 'd' }],
      ['hook.receive', { hook, body: 'AP8=', signature: 'good', delivery: 'g', event: 'push' }],
    ]);
    expect((await knock(hook, { 'x-signalbox-signature': 'good' }, 'x'.repeat(262_145))).status).toBe(413);
    expect((await knock('hook_x', {})).status).toBe(401);
    const wrong = newId('hook');
    const statuses: number[] = [];
    for (let tries = 0; tries < 31; tries++) statuses.push((await knock(wrong, { 'x-signalbox-signature': `bad${tries}` })).status);
    expect(statuses.slice(0, 30)).toEqual(Array.from({ length: 30 }, () => 401));
    expect(statuses[30]).toBe(429);
    expect((await knock(hook, { 'x-signalbox-signature': 'good' })).status).toBe(202);
  });
});
