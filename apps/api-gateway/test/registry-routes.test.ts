import 'reflect-metadata';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Contract } from '@signalbox/shared/bus/contract.js';
import { addEvidence } from '@signalbox/shared/contracts/registry/add-evidence.js';
import type { Agent } from '@signalbox/shared/contracts/registry/agent.js';
import { applyAgent } from '@signalbox/shared/contracts/registry/apply-agent.js';
import { applyDeployment } from '@signalbox/shared/contracts/registry/apply-deployment.js';
import { applyGate } from '@signalbox/shared/contracts/registry/apply-gate.js';
import { approvePromotion } from '@signalbox/shared/contracts/registry/approve-promotion.js';
import { deleteAgent } from '@signalbox/shared/contracts/registry/delete-agent.js';
import { deleteDeployment } from '@signalbox/shared/contracts/registry/delete-deployment.js';
import { deleteGate } from '@signalbox/shared/contracts/registry/delete-gate.js';
import { demoteAgent } from '@signalbox/shared/contracts/registry/demote-agent.js';
import type { DeploymentSummary } from '@signalbox/shared/contracts/registry/deployment.js';
import { getAgent } from '@signalbox/shared/contracts/registry/get-agent.js';
import { getBoard } from '@signalbox/shared/contracts/registry/get-board.js';
import { getScale } from '@signalbox/shared/contracts/registry/get-scale.js';
import { listScales } from '@signalbox/shared/contracts/registry/list-scales.js';
import { getDrift } from '@signalbox/shared/contracts/registry/get-drift.js';
import { repairDrift } from '@signalbox/shared/contracts/registry/repair-drift.js';
import { getDeployment } from '@signalbox/shared/contracts/registry/get-deployment.js';
import { applyEvalSuite } from '@signalbox/shared/contracts/registry/apply-eval-suite.js';
import { deleteEvalSuite } from '@signalbox/shared/contracts/registry/delete-eval-suite.js';
import type { Eval } from '@signalbox/shared/contracts/registry/eval.js';
import type { EvalSuite } from '@signalbox/shared/contracts/registry/eval-suite.js';
import { getEval } from '@signalbox/shared/contracts/registry/get-eval.js';
import { abortRollout } from '@signalbox/shared/contracts/registry/abort-rollout.js';
import { getRollout } from '@signalbox/shared/contracts/registry/get-rollout.js';
import { listRollouts } from '@signalbox/shared/contracts/registry/list-rollouts.js';
import { pauseRollout } from '@signalbox/shared/contracts/registry/pause-rollout.js';
import { promoteRollout } from '@signalbox/shared/contracts/registry/promote-rollout.js';
import { resumeRollout } from '@signalbox/shared/contracts/registry/resume-rollout.js';
import type { Rollout } from '@signalbox/shared/contracts/registry/rollout.js';
import { startRollout } from '@signalbox/shared/contracts/registry/start-rollout.js';
import { getEvalSuite } from '@signalbox/shared/contracts/registry/get-eval-suite.js';
import { listEvalAttempts } from '@signalbox/shared/contracts/registry/list-eval-attempts.js';
import { listEvalSuites } from '@signalbox/shared/contracts/registry/list-eval-suites.js';
import { listEvals } from '@signalbox/shared/contracts/registry/list-evals.js';
import { startEval } from '@signalbox/shared/contracts/registry/start-eval.js';
import type { Evidence } from '@signalbox/shared/contracts/registry/evidence.js';
import type { Gate } from '@signalbox/shared/contracts/registry/gate.js';
import { getGate } from '@signalbox/shared/contracts/registry/get-gate.js';
import { getStages } from '@signalbox/shared/contracts/registry/get-stages.js';
import { getSchema } from '@signalbox/shared/contracts/registry/get-schema.js';
import { listAgents } from '@signalbox/shared/contracts/registry/list-agents.js';
import { listAgentVersions } from '@signalbox/shared/contracts/registry/list-agent-versions.js';
import { listEvidence } from '@signalbox/shared/contracts/registry/list-evidence.js';
import { applyObjective } from '@signalbox/shared/contracts/registry/apply-objective.js';
import { deleteObjective } from '@signalbox/shared/contracts/registry/delete-objective.js';
import { getObjective } from '@signalbox/shared/contracts/registry/get-objective.js';
import { listKpis } from '@signalbox/shared/contracts/registry/list-kpis.js';
import { listObjectives } from '@signalbox/shared/contracts/registry/list-objectives.js';
import { measureAgent } from '@signalbox/shared/contracts/registry/measure-agent.js';
import { installation, recordKpis, type KpiEntry } from '@signalbox/shared/contracts/registry/record-kpis.js';
import { listGates } from '@signalbox/shared/contracts/registry/list-gates.js';
import { listDeployments } from '@signalbox/shared/contracts/registry/list-deployments.js';
import { listInstances } from '@signalbox/shared/contracts/registry/list-instances.js';
import { promoteAgent } from '@signalbox/shared/contracts/registry/promote-agent.js';
import { reportStep } from '@signalbox/shared/contracts/registry/report-step.js';
import { acknowledgeIncident } from '@signalbox/shared/contracts/registry/acknowledge-incident.js';
import { getIncident } from '@signalbox/shared/contracts/registry/get-incident.js';
import type { Incident } from '@signalbox/shared/contracts/registry/incident.js';
import { isolateAgent } from '@signalbox/shared/contracts/registry/isolate-agent.js';
import { listIncidents } from '@signalbox/shared/contracts/registry/list-incidents.js';
import { listIsolations } from '@signalbox/shared/contracts/registry/list-isolations.js';
import { noteIncident } from '@signalbox/shared/contracts/registry/note-incident.js';
import { recoverAgent } from '@signalbox/shared/contracts/registry/recover-agent.js';
import { releaseAgent } from '@signalbox/shared/contracts/registry/release-agent.js';
import { resolveIncident } from '@signalbox/shared/contracts/registry/resolve-incident.js';
import { startDeployment } from '@signalbox/shared/contracts/registry/start-deployment.js';
import { stopDeployment } from '@signalbox/shared/contracts/registry/stop-deployment.js';
import { applyChannel } from '@signalbox/shared/contracts/registry/apply-channel.js';
import { applyNotificationRule } from '@signalbox/shared/contracts/registry/apply-notification-rule.js';
import type { Channel } from '@signalbox/shared/contracts/registry/channel.js';
import { deleteChannel } from '@signalbox/shared/contracts/registry/delete-channel.js';
import { deleteNotificationRule } from '@signalbox/shared/contracts/registry/delete-notification-rule.js';
import { getChannel } from '@signalbox/shared/contracts/registry/get-channel.js';
import { getNotificationRule } from '@signalbox/shared/contracts/registry/get-notification-rule.js';
import { listChannels } from '@signalbox/shared/contracts/registry/list-channels.js';
import { listNotificationRules } from '@signalbox/shared/contracts/registry/list-notification-rules.js';
import { listNotifications } from '@signalbox/shared/contracts/registry/list-notifications.js';
import { listReviews } from '@signalbox/shared/contracts/registry/list-reviews.js';
import type { Notification } from '@signalbox/shared/contracts/registry/notification.js';
import type { NotificationRule } from '@signalbox/shared/contracts/registry/notification-rule.js';
import { retryNotification } from '@signalbox/shared/contracts/registry/retry-notification.js';
import { runNotificationRule } from '@signalbox/shared/contracts/registry/run-notification-rule.js';
import { signOffAgent } from '@signalbox/shared/contracts/registry/sign-off-agent.js';
import { testChannel } from '@signalbox/shared/contracts/registry/test-channel.js';
import { getWorkflowSchema } from '@signalbox/shared/contracts/execution/get-workflow-schema.js';
import { getMcpServerSchema } from '@signalbox/shared/contracts/mcp-server/get-mcp-server-schema.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import { TestBus } from '@signalbox/testkit/test-bus.js';
import { GatewayConfig } from '../src/gateway.config.ts';
import { KpiReports } from '../src/system/kpi-reports.ts';
import { startGateway, type RunningGateway } from '../src/start-gateway.ts';

const key = 'sbx_registry_routes_key_of_ann';
const at = '2026-11-24T08:00:00.000Z';
const hash = `sha256:${'1'.repeat(64)}`;
const agent: Agent = {
  ...{ id: newId('agent'), name: 'reader', kind: 'worker', description: '', labels: {}, status: 'idle', version: 7, hash, skills: [] },
  ...{ instances: { live: 0, capacity: 0, inFlight: 0 }, createdAt: at, updatedAt: at },
};
const deployment: DeploymentSummary = {
  ...{ id: newId('deployment'), name: 'nine', description: '', labels: {}, status: 'ready', progress: 0, agents: 1, done: 0, eta: null },
  ...{ started: false, version: 3, hash, createdAt: at, updatedAt: at },
};
const scale = {
  ...{ agent: 'first', runner: 'external' as const, min: 1, max: 5, waiting: 4, running: 2, oldestMs: 1_500 },
  ...{ live: 2, wanted: 3, because: 'four wait' },
};
const step = { agent: 'first', step: 'x', source: 'reported' as const, weight: 1, state: 'done' as const, fraction: 1 };
const page = { data: [], nextCursor: null };
const incident: Incident = {
  ...{
    id: newId('incident'),
    cause: 'lost',
    title: 'reader: instances are lost',
    severity: 'high',
    status: 'open',
    agents: ['reader'],
    faults: 1,
  },
  ...{ owner: null, onCall: null, runbook: null, remindAt: null, openedAt: at, updatedAt: at },
  ...{ acknowledgedBy: null, acknowledgedAt: null, resolvedBy: null, resolvedAt: null },
};
const gate: Gate = {
  name: 'mine',
  description: '',
  labels: {},
  stages: ['staging'],
  metrics: [],
  evidenceDays: 30,
  builtIn: false,
  version: 2,
};
const suite: EvalSuite = {
  ...{ name: 'greetings', description: '', labels: {}, cases: 1, graders: ['exact'], repeats: 1, version: 3, hash, updatedAt: at },
};
const rollout: Rollout = {
  ...{ id: newId('rollout'), agent: 'reader', version: 7, stable: 6, status: 'progressing', reason: 'the step lasts 60 s more' },
  plan: {
    ...{ strategy: 'canary', calls: 20, stickBy: 'call', onFailure: 'rollback' },
    steps: [{ share: 0.1, holdMs: 60_000 }],
    measures: [{ metric: 'live.errorRate', max: 0.1 }],
  },
  ...{ step: 0, stepSince: '2026-11-24T11:00:00.000Z', share: 0.1, checks: [] },
  ...{ stableFigures: { version: 6, calls: 0, failed: 0 }, figures: { version: 7, calls: 0, failed: 0 } },
  ...{ by: 'user_1', byName: 'ann', createdAt: '2026-11-24T11:00:00.000Z', updatedAt: '2026-11-24T11:00:00.000Z' },
};
const oneEval: Eval = {
  ...{ id: newId('eval'), suite: 'greetings', suiteVersion: 3, agent: 'reader', version: 7, status: 'running', cases: 1, repeats: 2 },
  ...{ confidence: 0.95, against: 'production', by: 'user_1', byName: 'ann', createdAt: at },
};
const evidence: Evidence = {
  ...{ id: newId('evidence'), agent: 'reader', version: 7, format: 'json', source: 'ci', hash, bytes: 9, metrics: [], findings: [] },
  ...{ by: 'user_ann', byName: 'ann', createdAt: at, expiresAt: at, expired: false },
};
const channel: Channel = {
  ...{ name: 'ops', description: '', labels: {}, type: 'slack', secrets: ['ops-url'], state: 'active', stateReason: null },
  ...{ appliedBy: 'ann', lastSentAt: null, lastFailure: null, version: 4, updatedAt: at },
};
const rule: NotificationRule = {
  ...{ name: 'on-call', description: '', labels: {}, kind: 'events', channels: ['ops'], events: ['incident.*'] },
  ...{ nextAt: null, appliedBy: 'ann', version: 5, updatedAt: at },
};
const notification: Notification = {
  ...{ id: newId('ntf'), rule: 'on-call', channel: 'ops', kind: 'events', title: 'reader: lost', severity: 'high', events: 1 },
  ...{ status: 'waiting', attempts: 0, failure: null, nextAt: at, createdAt: at, endedAt: null },
};
const objective = {
  name: 'quick',
  description: '',
  labels: {},
  kpi: 'latency' as const,
  target: 20,
  version: 2,
  updatedAt: new Date().toISOString(),
};
const check = { stage: 'staging' as const, held: false, allowed: true, gates: [], blockers: [] };

let nats: TestBus;
let gateway: RunningGateway;
/** What the registry was asked, in order. */
let asked: [string, unknown][] = [];

beforeAll(async () => {
  nats = await TestBus.start();
  nats.issuer.addCredential({ principal: 'user_ann', name: 'ann', roles: ['admin'] }, key);
  const answer = <Request extends object, Reply extends object>(contract: Contract<Request, Reply>, reply: Reply): Promise<void> =>
    nats.answer(contract, (request) => {
      asked.push([contract.subject.replace('sb.', ''), JSON.parse(JSON.stringify(request))]);
      return reply;
    });
  await answer(listAgents, page);
  await answer(getAgent, { ...agent, manifest: { kind: 'Agent' } });
  await answer(applyAgent, { action: 'updated', changes: [], resource: agent });
  await answer(deleteAgent, { name: 'reader' });
  await answer(listAgentVersions, page);
  await answer(listInstances, page);
  await answer(listDeployments, page);
  await answer(getDeployment, { ...deployment, manifest: { kind: 'Deployment' }, steps: [step] });
  await answer(applyDeployment, { action: 'created', changes: [], resource: deployment });
  await answer(deleteDeployment, { name: 'nine' });
  const board = {
    name: 'nine',
    status: 'ready' as const,
    progress: 0,
    remainingDays: 0,
    eta: null,
    agents: [],
    criticalPath: [],
    nextActions: [],
    updatedAt: at,
  };
  await answer(getBoard, board);
  await answer(startDeployment, { plan: [], resource: { ...deployment, started: true } });
  await answer(stopDeployment, { resource: deployment });
  await answer(getDrift, { name: 'nine', started: true, since: null, items: [], more: 0, updatedAt: at });
  await answer(getScale, { ...scale, changes: [] });
  await answer(listScales, { data: [scale], nextCursor: null });
  await answer(repairDrift, { repairs: [], left: [], resource: deployment });
  await answer(reportStep, { action: 'updated', changes: [], resource: step });
  await answer(applyGate, { action: 'updated', changes: [], resource: gate });
  await answer(getGate, { ...gate, manifest: { kind: 'Gate' } });
  await answer(listGates, page);
  await answer(deleteGate, { name: 'mine' });
  await answer(applyEvalSuite, { action: 'updated', changes: [], resource: suite });
  await answer(getEvalSuite, { ...suite, manifest: { kind: 'EvalSuite' } });
  await answer(listEvalSuites, { data: [suite], nextCursor: null });
  await answer(deleteEvalSuite, { name: 'greetings' });
  await answer(startEval, oneEval);
  await answer(getEval, oneEval);
  await answer(listRollouts, { data: [rollout], nextCursor: null });
  await answer(getRollout, { ...rollout, history: [] });
  for (const contract of [pauseRollout, resumeRollout, promoteRollout, abortRollout]) await answer(contract, { resource: rollout });
  await answer(startRollout, { resource: rollout });
  await answer(listEvals, { data: [oneEval], nextCursor: null });
  await answer(listEvalAttempts, { data: [], nextCursor: null });
  await answer(addEvidence, evidence);
  await answer(listEvidence, page);
  await answer(getStages, { agent: 'reader', version: 7, current: 7, holders: [], checks: [check], history: [] });
  await answer(promoteAgent, { action: 'promoted', check, holders: [] });
  await answer(demoteAgent, { left: ['staging'], holders: [] });
  await answer(approvePromotion, { action: 'approved', check });
  const isolation = {
    ...{ agent: 'reader', instance: 'i1', cause: 'by-hand' as const, because: 'odd', state: 'isolated' as const, attempt: 0, since: at },
    ...{ nextAt: null, incident: incident.id, by: 'user_test' },
  };
  await answer(isolateAgent, { resource: isolation });
  await answer(releaseAgent, { agent: 'reader' });
  await answer(recoverAgent, { resource: isolation });
  await answer(listIsolations, page);
  await answer(listIncidents, page);
  await answer(getIncident, { ...incident, timeline: [], dropped: 0 });
  for (const contract of [acknowledgeIncident, resolveIncident, noteIncident]) await answer(contract, incident);
  await answer(applyChannel, { action: 'created', changes: [], resource: channel });
  await answer(getChannel, { ...channel, manifest: { kind: 'Channel' } });
  await answer(deleteChannel, { name: 'ops' });
  await answer(testChannel, { name: 'ops', tookMs: 7 });
  await answer(applyNotificationRule, { action: 'created', changes: [], resource: rule });
  await answer(getNotificationRule, { ...rule, manifest: { kind: 'NotificationRule' } });
  await answer(runNotificationRule, { name: 'on-call', messages: 1 });
  await answer(deleteNotificationRule, { name: 'on-call' });
  await answer(listChannels, page);
  await answer(listNotificationRules, page);
  await answer(listNotifications, page);
  await answer(listReviews, page);
  await answer(retryNotification, notification);
  await answer(applyObjective, { action: 'created', changes: [], resource: objective });
  await answer(getObjective, { ...objective, manifest: { kind: 'Objective' } });
  await answer(listObjectives, page);
  await answer(deleteObjective, { name: 'quick' });
  await answer(listKpis, { window: '6h', agent: 'reader', from: at, to: at, data: [] });
  await answer(measureAgent, { added: [], lacks: ['x'] });
  await answer(signOffAgent, { agent: 'reader', version: 7, by: 'user_ann', at });
  await answer(getSchema, { schema: { title: 'Signalbox agent' } });
  await answer(getWorkflowSchema, { schema: { title: 'Signalbox workflow' } });
  await answer(getMcpServerSchema, { schema: { title: 'Signalbox server' } });
  const config = Object.assign(new GatewayConfig(), { port: 0, natsUrl: nats.url, natsCreds: nats.credsFile('api-gateway') });
  gateway = await startGateway(config);
}, 60_000);

afterAll(async () => {
  await gateway?.stop();
  await nats?.[Symbol.asyncDispose]();
});

beforeEach(() => {
  asked = [];
});

async function send(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; etag: string | null; body: Record<string, unknown> }> {
  const answer = await fetch(`${gateway.url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: answer.status, etag: answer.headers.get('etag'), body: (await answer.json()) as Record<string, unknown> };
}

describe('agents by REST', () => {
  test('are listed with filters, of which labels may stand several times', async () => {
    await expect(send('GET', '/agents?kind=worker&status=idle&label=team%3Dx&label=tier%3D1&q=re&limit=5')).resolves.toMatchObject({
      status: 200,
      body: page,
    });
    expect(asked).toEqual([['registry.agent.list', { kind: 'worker', status: 'idle', labels: ['team=x', 'tier=1'], q: 're', limit: 5 }]]);
    await send('GET', '/agents?label=team%3Dx');
    expect(asked[1]).toEqual(['registry.agent.list', { labels: ['team=x'] }]);
  });

  test('are not listed by what nobody knows', async () => {
    for (const query of ['kind=moon', 'label=none', 'limit=0', 'colour=red', 'workspace=x']) {
      await expect(send('GET', `/agents?${query}`)).resolves.toMatchObject({ status: 400, body: { code: 'invalid' } });
    }
    expect(asked).toEqual([]);
  });

  test('are read with their ETag', async () => {
    await expect(send('GET', '/agents/reader')).resolves.toMatchObject({
      status: 200,
      etag: '"7"',
      body: { name: 'reader', manifest: { kind: 'Agent' } },
    });
    await expect(send('GET', '/agents/reader/versions?limit=2')).resolves.toMatchObject({ status: 200, body: page });
    expect(asked[1]).toEqual(['registry.version.list', { name: 'reader', limit: 2 }]);
  });

  test('are applied as the manifest stands, against the version that was seen, or only looked at', async () => {
    const manifest = {
      apiVersion: 'signalbox.dev/v1',
      kind: 'Agent',
      metadata: { name: 'reader', labels: { constructor: 'x' } },
      spec: { kind: 'worker' },
    };
    await expect(send('PUT', '/agents/reader', manifest, { 'if-match': '"6"' })).resolves.toMatchObject({
      status: 200,
      etag: '"7"',
      body: { action: 'updated' },
    });
    await expect(send('PUT', '/agents/reader?dryRun=true', manifest)).resolves.toMatchObject({ status: 200, etag: null });
    expect(asked).toEqual([
      ['registry.agent.apply', { name: 'reader', manifest, expectedVersion: 6 }],
      ['registry.agent.apply', { name: 'reader', manifest, dryRun: true }],
    ]);
  });

  test('are not applied by what is no manifest, or against what is no ETag', async () => {
    await expect(send('PUT', '/agents/reader', { kind: 'Agent', owner: 'me' })).resolves.toMatchObject({
      status: 400,
      body: { errors: [{ pointer: '/owner', detail: 'is not a known field' }] },
    });
    await expect(send('PUT', '/agents/reader', [])).resolves.toMatchObject({ status: 400 });
    await expect(send('PUT', '/agents/reader', { kind: 'Agent' }, { 'if-match': '6' })).resolves.toMatchObject({ status: 400 });
    await expect(send('PUT', '/agents/reader?dryRun=perhaps', { kind: 'Agent' })).resolves.toMatchObject({ status: 400 });
    expect(asked).toEqual([]);
  });

  test('are forgotten', async () => {
    await expect(send('DELETE', '/agents/reader', undefined, { 'if-match': '"7"' })).resolves.toMatchObject({ status: 200 });
    expect(asked).toEqual([['registry.agent.delete', { name: 'reader', expectedVersion: 7 }]]);
    await send('DELETE', '/agents/reader');
    expect(asked[1]).toEqual(['registry.agent.delete', { name: 'reader' }]);
  });
});

describe('instances by REST', () => {
  test('are listed', async () => {
    await expect(send('GET', '/instances?agent=reader&status=live')).resolves.toMatchObject({ status: 200, body: page });
    expect(asked).toEqual([['registry.instance.list', { agent: 'reader', status: 'live' }]]);
  });
});

describe('recovery by REST', () => {
  test('isolates, releases and recovers agents and instances, with a reason and nothing unknown', async () => {
    await expect(send('POST', '/agents/reader/isolate', {})).resolves.toMatchObject({ status: 400 });
    await expect(send('POST', '/agents/reader/isolate', { reason: 'odd', agent: 'other' })).resolves.toMatchObject({ status: 400 });
    expect(asked).toEqual([]);
    await expect(send('POST', '/agents/reader/isolate', { instance: 'i1', reason: 'odd' })).resolves.toMatchObject({
      status: 200,
      body: { resource: { state: 'isolated', nextAt: null } },
    });
    await expect(send('POST', '/agents/reader/release', {})).resolves.toMatchObject({ status: 200 });
    await expect(send('POST', '/agents/reader/recover', { instance: 'i1' })).resolves.toMatchObject({ status: 202 });
    await expect(send('GET', '/isolations?agent=reader')).resolves.toMatchObject({ status: 200, body: page });
    expect(asked).toEqual([
      ['registry.agent.isolate', { agent: 'reader', instance: 'i1', reason: 'odd' }],
      ['registry.agent.release', { agent: 'reader' }],
      ['registry.agent.recover', { agent: 'reader', instance: 'i1' }],
      ['registry.isolation.list', { agent: 'reader' }],
    ]);
  });

  test('lists, reads, acknowledges, notes and resolves incidents', async () => {
    await expect(send('GET', '/incidents?status=nowhere')).resolves.toMatchObject({ status: 400 });
    await expect(send('GET', '/incidents/none')).resolves.toMatchObject({ status: 404 });
    expect(asked).toEqual([]);
    const { id } = incident;
    await send('GET', '/incidents?agent=reader&status=open&severity=high&cause=lost');
    await expect(send('GET', `/incidents/${id}`)).resolves.toMatchObject({ status: 200, body: { timeline: [], dropped: 0 } });
    await expect(send('POST', `/incidents/${id}/acknowledge`, {})).resolves.toMatchObject({ status: 200 });
    await send('POST', `/incidents/${id}/notes`, { note: 'the disk' });
    await send('POST', `/incidents/${id}/resolve`, { note: 'over' });
    expect(asked).toEqual([
      ['registry.incident.list', { agent: 'reader', status: 'open', severity: 'high', cause: 'lost' }],
      ['registry.incident.get', { id }],
      ['registry.incident.acknowledge', { id }],
      ['registry.incident.note', { id, note: 'the disk' }],
      ['registry.incident.resolve', { id, note: 'over' }],
    ]);
  });
});

describe('deployments by REST', () => {
  test('are listed, read, applied and forgotten', async () => {
    await send('GET', '/deployments?status=active&label=a%3Db');
    await expect(send('GET', '/deployments/nine')).resolves.toMatchObject({ status: 200, etag: '"3"', body: { steps: [{ step: 'x' }] } });
    const manifest = { kind: 'Deployment', spec: { agents: [] } };
    await expect(send('PUT', '/deployments/nine', manifest, { 'if-match': '"0"' })).resolves.toMatchObject({ status: 200, etag: '"3"' });
    await expect(send('PUT', '/deployments/nine?dryRun=true', manifest)).resolves.toMatchObject({ etag: null });
    await send('DELETE', '/deployments/nine', undefined, { 'if-match': '"3"' });
    await send('DELETE', '/deployments/nine');
    expect(asked).toEqual([
      ['registry.deployment.list', { status: 'active', labels: ['a=b'] }],
      ['registry.deployment.get', { name: 'nine' }],
      ['registry.deployment.apply', { name: 'nine', manifest, expectedVersion: 0 }],
      ['registry.deployment.apply', { name: 'nine', manifest, dryRun: true }],
      ['registry.deployment.delete', { name: 'nine', expectedVersion: 3 }],
      ['registry.deployment.delete', { name: 'nine' }],
    ]);
  });

  test('have a board', async () => {
    await expect(send('GET', '/deployments/nine/board')).resolves.toMatchObject({
      status: 200,
      body: { agents: [], criticalPath: [], nextActions: [], updatedAt: at },
    });
    await send('GET', '/deployments/nine/board?slip=one%3D1.5&slip=two%3D-2');
    await expect(send('GET', '/deployments/nine/board?slip=one')).resolves.toMatchObject({ status: 400 });
    expect(asked.slice(1)).toEqual([
      [
        'registry.board.get',
        {
          name: 'nine',
          slips: [
            { agent: 'one', days: 1.5 },
            { agent: 'two', days: -2 },
          ],
        },
      ],
    ]);
  });

  test('are planned, started and stopped', async () => {
    await expect(send('POST', '/deployments/nine/start?dryRun=true')).resolves.toMatchObject({ status: 202, body: { plan: [] } });
    await expect(send('POST', '/deployments/nine/start', {})).resolves.toMatchObject({
      status: 202,
      body: { resource: { started: true } },
    });
    await expect(send('POST', '/deployments/nine/stop')).resolves.toMatchObject({ status: 200 });
    expect(asked.map(([subject]) => subject)).toEqual([
      'registry.deployment.start',
      'registry.deployment.start',
      'registry.deployment.stop',
    ]);
  });

  test('say how their agents scale, as JSON and as OpenMetrics', async () => {
    await expect(send('GET', '/agents/first/scale')).resolves.toMatchObject({ status: 200, body: { wanted: 3 } });
    await expect(send('GET', '/scales')).resolves.toMatchObject({ status: 200, body: { data: [{ agent: 'first' }] } });
    const metrics = await fetch(`${gateway.url}/api/v1/scales/metrics`, { headers: { authorization: `Bearer ${key}` } });
    expect(metrics.headers.get('content-type')).toMatch(/^application\/openmetrics-text; version=1.0.0/);
    const text = await metrics.text();
    expect(text).toContain('# TYPE signalbox_agent_wanted_replicas gauge\n');
    expect(text).toContain('signalbox_agent_wanted_replicas{agent="first",runner="external"} 3\n');
    expect(text).toContain('signalbox_agent_queue_oldest_seconds{agent="first",runner="external"} 1.5\n');
    expect(text.endsWith('# EOF\n')).toBe(true);
  });

  test('show their drift, and are repaired', async () => {
    await expect(send('GET', '/deployments/nine/drift')).resolves.toMatchObject({ status: 200, body: { items: [] } });
    await expect(send('POST', '/deployments/nine/repair?dryRun=true')).resolves.toMatchObject({ status: 202, body: { repairs: [] } });
    expect(asked).toEqual([
      ['registry.drift.get', { name: 'nine' }],
      ['registry.drift.repair', { name: 'nine', dryRun: true }],
    ]);
  });

  test('take reports on their steps, whose body may repeat the address and not contradict it', async () => {
    const path = '/deployments/nine/agents/first/steps/x';
    await expect(send('PUT', path, { state: 'done', note: 'green' })).resolves.toMatchObject({ status: 200, body: { action: 'updated' } });
    await send('PUT', `${path}?dryRun=true`, { deployment: 'nine', agent: 'first', step: 'x', state: 'begun' });
    expect(asked).toEqual([
      ['registry.step.report', { deployment: 'nine', agent: 'first', step: 'x', state: 'done', note: 'green' }],
      ['registry.step.report', { deployment: 'nine', agent: 'first', step: 'x', state: 'begun', dryRun: true }],
    ]);
    await expect(send('PUT', path, { agent: 'second', state: 'done' })).resolves.toMatchObject({
      status: 400,
      body: { errors: [{ pointer: '/agent', detail: 'must be first, the name in the address' }] },
    });
    await expect(send('PUT', path, { state: 'finished' })).resolves.toMatchObject({ status: 400 });
    await expect(send('PUT', path, { state: 'done', by: 'root' })).resolves.toMatchObject({ status: 400 });
  });

  test('answer with the registry’s own fault', async () => {
    await nats.answer(getBoard, () => {
      throw new Fault('not_found', 'there is no deployment nine', 'Check the name.');
    });
    await expect(send('GET', '/deployments/nine/board')).resolves.toMatchObject({
      status: 404,
      body: { code: 'not_found', detail: 'there is no deployment nine' },
    });
  });
});

describe('published schemas by REST', () => {
  test('are the documents themselves, one a kind', async () => {
    await expect(send('GET', '/schemas/Agent')).resolves.toMatchObject({ status: 200, body: { title: 'Signalbox agent' } });
    await expect(send('GET', '/schemas/McpServer')).resolves.toMatchObject({ status: 200, body: { title: 'Signalbox server' } });
    await expect(send('GET', '/schemas/Workflow')).resolves.toMatchObject({ status: 200, body: { title: 'Signalbox workflow' } });
    await expect(send('GET', '/schemas/Moon')).resolves.toMatchObject({ status: 404, body: { code: 'not_found' } });
  });
});

describe('gates, evidence and stages by REST', () => {
  test('reach the registry with what was asked', async () => {
    const manifest = { apiVersion: 'signalbox.dev/v1', kind: 'Gate', metadata: { name: 'mine' }, spec: {} };
    await expect(send('PUT', '/gates/mine?dryRun=true', manifest, { 'if-match': '"1"' })).resolves.toMatchObject({
      status: 200,
      etag: null,
    });
    await expect(send('PUT', '/gates/mine', manifest)).resolves.toMatchObject({ status: 200, etag: '"2"' });
    await expect(send('GET', '/gates/mine')).resolves.toMatchObject({ status: 200, etag: '"2"', body: { manifest: { kind: 'Gate' } } });
    await expect(send('GET', '/gates?builtIn=false&q=x')).resolves.toMatchObject({ status: 200 });
    await expect(send('DELETE', '/gates/mine')).resolves.toMatchObject({ status: 200 });
    const report = { agent: 'reader', format: 'json', content: '{"metrics":{"a":1}}' };
    await expect(send('POST', '/evidence', report)).resolves.toMatchObject({ status: 201, body: { id: evidence.id } });
    await expect(send('GET', '/evidence?agent=reader&version=7&expired=false&metric=a')).resolves.toMatchObject({ status: 200 });
    await expect(send('GET', '/agents/reader/stages?version=7')).resolves.toMatchObject({ status: 200 });
    await expect(send('POST', '/agents/reader/promote?dryRun=true', { version: 7, to: 'staging' })).resolves.toMatchObject({ status: 200 });
    await expect(send('POST', '/agents/reader/demote', { version: 7, from: 'staging', reason: 'x' })).resolves.toMatchObject({
      status: 200,
    });
    await expect(send('POST', '/agents/reader/approve', { version: 7, to: 'staging' })).resolves.toMatchObject({ status: 200 });
    expect(asked).toEqual([
      ['registry.gate.apply', { name: 'mine', manifest, dryRun: true, expectedVersion: 1 }],
      ['registry.gate.apply', { name: 'mine', manifest }],
      ['registry.gate.get', { name: 'mine' }],
      ['registry.gate.list', { builtIn: false, q: 'x' }],
      ['registry.gate.delete', { name: 'mine' }],
      ['registry.evidence.add', report],
      ['registry.evidence.list', { agent: 'reader', version: 7, expired: false, metric: 'a' }],
      ['registry.stage.get', { agent: 'reader', version: 7 }],
      ['registry.stage.promote', { agent: 'reader', version: 7, to: 'staging', dryRun: true }],
      ['registry.stage.demote', { agent: 'reader', version: 7, from: 'staging', reason: 'x' }],
      ['registry.stage.approve', { agent: 'reader', version: 7, to: 'staging' }],
    ]);
  });

  test('so do KPIs, objectives and what is to be measured', async () => {
    const manifest = { apiVersion: 'signalbox.dev/v1', kind: 'Objective', metadata: { name: 'quick' }, spec: {} };
    await expect(send('PUT', '/objectives/quick', manifest)).resolves.toMatchObject({ status: 200, etag: '"2"' });
    await expect(send('GET', '/objectives/quick')).resolves.toMatchObject({
      status: 200,
      etag: '"2"',
      body: { manifest: { kind: 'Objective' } },
    });
    await expect(send('GET', '/objectives?q=x')).resolves.toMatchObject({ status: 200 });
    await expect(send('DELETE', '/objectives/quick')).resolves.toMatchObject({ status: 200 });
    await expect(send('GET', '/kpis?window=6h&agent=reader')).resolves.toMatchObject({ status: 200, body: { window: '6h' } });
    await expect(send('GET', '/kpis?window=2h')).resolves.toMatchObject({ status: 400 });
    await expect(send('POST', '/agents/reader/measure', { version: 7 })).resolves.toMatchObject({ status: 200, body: { lacks: ['x'] } });
    expect(asked).toEqual([
      ['registry.objective.apply', { name: 'quick', manifest }],
      ['registry.objective.get', { name: 'quick' }],
      ['registry.objective.list', { q: 'x' }],
      ['registry.objective.delete', { name: 'quick' }],
      ['registry.kpi.list', { window: '6h', agent: 'reader' }],
      ['registry.evidence.measure', { agent: 'reader', version: 7 }],
    ]);
  });

  test('so do eval suites and evals', async () => {
    const manifest = { apiVersion: 'signalbox.dev/v1', kind: 'EvalSuite', metadata: { name: 'greetings' }, spec: {} };
    await expect(send('PUT', '/eval-suites/greetings', manifest)).resolves.toMatchObject({ status: 200, etag: '"3"' });
    await expect(send('GET', '/eval-suites/greetings')).resolves.toMatchObject({
      status: 200,
      etag: '"3"',
      body: { manifest: { kind: 'EvalSuite' } },
    });
    await expect(send('GET', '/eval-suites?q=x')).resolves.toMatchObject({ status: 200 });
    await expect(send('DELETE', '/eval-suites/greetings')).resolves.toMatchObject({ status: 200 });
    const wish = { suite: 'greetings', agent: 'reader', version: 7, repeats: 2 };
    await expect(send('POST', '/evals', wish)).resolves.toMatchObject({ status: 202, body: { id: oneEval.id } });
    await expect(send('GET', '/evals?agent=reader&version=7&status=running')).resolves.toMatchObject({ status: 200 });
    await expect(send('GET', `/evals/${oneEval.id}`)).resolves.toMatchObject({ status: 200, body: { suite: 'greetings' } });
    await expect(send('GET', `/evals/${oneEval.id}/attempts?outcome=failed&outcome=error`)).resolves.toMatchObject({ status: 200 });
    await expect(send('GET', `/evals/${oneEval.id}/attempts?outcome=error`)).resolves.toMatchObject({ status: 200 });
    expect(asked).toEqual([
      ['registry.eval-suite.apply', { name: 'greetings', manifest }],
      ['registry.eval-suite.get', { name: 'greetings' }],
      ['registry.eval-suite.list', { q: 'x' }],
      ['registry.eval-suite.delete', { name: 'greetings' }],
      ['registry.eval.start', wish],
      ['registry.eval.list', { agent: 'reader', version: 7, status: 'running' }],
      ['registry.eval.get', { id: oneEval.id }],
      ['registry.eval-attempt.list', { id: oneEval.id, outcome: ['failed', 'error'] }],
      ['registry.eval-attempt.list', { id: oneEval.id, outcome: ['error'] }],
    ]);
  });

  test('so do rollouts', async () => {
    const { id } = rollout;
    await expect(send('GET', '/rollouts?agent=reader&status=progressing')).resolves.toMatchObject({
      status: 200,
      body: { data: [{ id }] },
    });
    await expect(send('GET', `/rollouts/${id}`)).resolves.toMatchObject({ status: 200, body: { id, history: [] } });
    await expect(send('POST', '/rollouts', { agent: 'reader', version: 7 })).resolves.toMatchObject({ status: 201 });
    await expect(send('POST', `/rollouts/${id}/abort`, { reason: 'no' })).resolves.toMatchObject({
      status: 200,
      body: { resource: { id } },
    });
    for (const verb of ['pause', 'resume', 'promote']) {
      await expect(send('POST', `/rollouts/${id}/${verb}`, {})).resolves.toMatchObject({ status: 200 });
    }
    await expect(send('GET', '/rollouts/rollout_1')).resolves.toMatchObject({ status: 404 });
    expect(asked).toEqual([
      ['registry.rollout.list', { agent: 'reader', status: 'progressing' }],
      ['registry.rollout.get', { id }],
      ['registry.rollout.start', { agent: 'reader', version: 7 }],
      ['registry.rollout.abort', { id, reason: 'no' }],
      ['registry.rollout.pause', { id }],
      ['registry.rollout.resume', { id }],
      ['registry.rollout.promote', { id }],
    ]);
  });

  test('are refused before they get there where they make no sense', async () => {
    const bad: [string, string, unknown?][] = [
      ['POST', '/rollouts', { agent: 'reader' }],
      ['POST', `/rollouts/${rollout.id}/pause`, { why: 'x' }],
      ['GET', '/rollouts?status=great'],
      ['POST', '/evals', { suite: 'greetings' }],
      ['POST', '/evals', { suite: 'greetings', agent: 'reader', repeats: 21 }],
      ['GET', '/evals?status=great'],
      ['GET', '/evals/eval_1/attempts?outcome=great'],
      ['GET', '/evidence'],
      ['GET', '/evidence?agent=reader&expired=perhaps'],
      ['POST', '/evidence', { agent: 'reader', format: 'yaml', content: 'x' }],
      ['POST', '/evidence', { agent: 'reader', format: 'json', content: 'x'.repeat(460_000) }],
      ['GET', '/agents/reader/stages?version=0'],
      ['GET', '/agents/reader/stages?version=2147483648'],
      ['POST', '/agents/reader/promote', { to: 'staging' }],
      ['POST', '/agents/reader/promote', { version: 7, to: 'moon' }],
      ['POST', '/agents/reader/demote', { version: 7, from: 'staging', id: 'x' }],
    ];
    for (const [method, path, body] of bad) {
      await expect(send(method, path, body)).resolves.toMatchObject({ status: 400, body: { code: 'invalid' } });
    }
    expect(asked).toEqual([]);
  });
});

describe('notifications by REST', () => {
  test('reach the registry with what was asked', async () => {
    const manifest = { apiVersion: 'signalbox.dev/v1', kind: 'Channel', metadata: { name: 'ops' }, spec: {} };
    await expect(send('PUT', '/channels/ops', manifest, { 'if-match': '"0"' })).resolves.toMatchObject({ status: 200, etag: '"4"' });
    await expect(send('GET', '/channels/ops')).resolves.toMatchObject({
      status: 200,
      etag: '"4"',
      body: { manifest: { kind: 'Channel' } },
    });
    await expect(send('GET', '/channels?q=o')).resolves.toMatchObject({ status: 200 });
    await expect(send('POST', '/channels/ops/test')).resolves.toMatchObject({ status: 200, body: { tookMs: 7 } });
    await expect(send('DELETE', '/channels/ops')).resolves.toMatchObject({ status: 200 });
    const rules = { ...manifest, kind: 'NotificationRule', metadata: { name: 'on-call' } };
    await expect(send('PUT', '/notification-rules/on-call?dryRun=true', rules)).resolves.toMatchObject({ status: 200, etag: null });
    await expect(send('GET', '/notification-rules/on-call')).resolves.toMatchObject({ status: 200, etag: '"5"' });
    await expect(send('GET', '/notification-rules')).resolves.toMatchObject({ status: 200 });
    await expect(send('POST', '/notification-rules/on-call/run')).resolves.toMatchObject({ status: 200, body: { messages: 1 } });
    await expect(send('DELETE', '/notification-rules/on-call')).resolves.toMatchObject({ status: 200 });
    await expect(send('GET', '/notifications?status=dead&channel=ops&limit=5')).resolves.toMatchObject({ status: 200 });
    await expect(send('POST', `/notifications/${notification.id}/retry`)).resolves.toMatchObject({
      status: 200,
      body: { status: 'waiting' },
    });
    await expect(send('GET', '/reviews')).resolves.toMatchObject({ status: 200 });
    await expect(send('POST', '/agents/reader/sign-off', { version: 7, note: 'seen' })).resolves.toMatchObject({ status: 200 });
    expect(asked).toEqual([
      ['registry.channel.apply', { name: 'ops', manifest, expectedVersion: 0 }],
      ['registry.channel.get', { name: 'ops' }],
      ['registry.channel.list', { q: 'o' }],
      ['registry.channel.test', { name: 'ops' }],
      ['registry.channel.delete', { name: 'ops' }],
      ['registry.notification-rule.apply', { name: 'on-call', manifest: rules, dryRun: true }],
      ['registry.notification-rule.get', { name: 'on-call' }],
      ['registry.notification-rule.list', {}],
      ['registry.notification-rule.run', { name: 'on-call' }],
      ['registry.notification-rule.delete', { name: 'on-call' }],
      ['registry.notification.list', { status: 'dead', channel: 'ops', limit: 5 }],
      ['registry.notification.retry', { id: notification.id }],
      ['registry.review.list', {}],
      ['registry.review.sign-off', { agent: 'reader', version: 7, note: 'seen' }],
    ]);
  });

  test('are refused before they get there where they make no sense', async () => {
    await expect(send('GET', '/notifications?status=lost')).resolves.toMatchObject({ status: 400 });
    await expect(send('POST', '/notifications/ntf_1/retry')).resolves.toMatchObject({ status: 404 });
    await expect(send('POST', '/agents/reader/sign-off', {})).resolves.toMatchObject({ status: 400 });
    expect(asked).toEqual([]);
  });
});

test('requests are counted for their workspace, and services for the installation', async () => {
  const told: KpiEntry[] = [];
  await nats.answer(recordKpis, ({ entries }) => {
    told.push(...entries);
    return {};
  });
  await send('GET', '/agents/reader');
  await send('GET', '/schemas/Moon');
  await gateway.app.get(KpiReports).onModuleDestroy();
  const ours = told.filter(({ workspace, kpi }) => workspace !== installation && kpi === 'availability');
  expect(ours.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThanOrEqual(2);
  expect(told.filter(({ kpi, bad }) => kpi === 'errors' && bad > 0)).toEqual([]);
  const services = told.filter(({ kpi }) => kpi === 'services');
  expect(services[0]).toMatchObject({ workspace: installation });
  // Nobody answers for the others here.
  expect(services[0]!.bad).toBeGreaterThan(0);
});
