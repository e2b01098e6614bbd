import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { durationRange, instancesMeasured } from '@signalbox/shared/contracts/execution/instances-measured.js';
import { mirrorsMeasured, type MirrorPair } from '@signalbox/shared/contracts/execution/mirrors-measured.js';
import { invokeAgent, type InvokeAgentReply } from '@signalbox/shared/contracts/execution/invoke-agent.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import { formatTask } from '@signalbox/shared/contracts/execution/task-id.js';
import { abortRollout } from '@signalbox/shared/contracts/registry/abort-rollout.js';
import { beatInstance } from '@signalbox/shared/contracts/registry/beat-instance.js';
import { getRollout, type GetRolloutReply } from '@signalbox/shared/contracts/registry/get-rollout.js';
import { listIncidents } from '@signalbox/shared/contracts/registry/list-incidents.js';
import { listRollouts } from '@signalbox/shared/contracts/registry/list-rollouts.js';
import { pauseRollout } from '@signalbox/shared/contracts/registry/pause-rollout.js';
import { promoteRollout } from '@signalbox/shared/contracts/registry/promote-rollout.js';
import { resolveAgent, type ResolveAgentReply } from '@signalbox/shared/contracts/registry/resolve-agent.js';
import { resumeRollout } from '@signalbox/shared/contracts/registry/resume-rollout.js';
import { rolloutChanged } from '@signalbox/shared/contracts/registry/rollout-changed.js';
import { startRollout } from '@signalbox/shared/contracts/registry/start-rollout.js';
import { addEvidence, type AddEvidenceReply } from '@signalbox/shared/contracts/registry/add-evidence.js';
import { applyAgent, type ApplyAgentReply } from '@signalbox/shared/contracts/registry/apply-agent.js';
import { applyDeployment } from '@signalbox/shared/contracts/registry/apply-deployment.js';
import { applyGate } from '@signalbox/shared/contracts/registry/apply-gate.js';
import { applyObjective } from '@signalbox/shared/contracts/registry/apply-objective.js';
import { deleteObjective } from '@signalbox/shared/contracts/registry/delete-objective.js';
import { getObjective } from '@signalbox/shared/contracts/registry/get-objective.js';
import { listKpis } from '@signalbox/shared/contracts/registry/list-kpis.js';
import { listObjectives } from '@signalbox/shared/contracts/registry/list-objectives.js';
import { measureAgent } from '@signalbox/shared/contracts/registry/measure-agent.js';
import { installation, recordKpis, type KpiEntry, type RecordKpisRequest } from '@signalbox/shared/contracts/registry/record-kpis.js';
import type { Kpi } from '@signalbox/shared/contracts/registry/kpi.js';
import { bucketOf } from '@signalbox/shared/kpi/histogram.js';
import { approvePromotion } from '@signalbox/shared/contracts/registry/approve-promotion.js';
import { deleteAgent } from '@signalbox/shared/contracts/registry/delete-agent.js';
import { deleteGate } from '@signalbox/shared/contracts/registry/delete-gate.js';
import { demoteAgent } from '@signalbox/shared/contracts/registry/demote-agent.js';
import { evidenceAdded, kpiChanged, stageChanged } from '@signalbox/shared/contracts/registry/events.js';
import { getAgent } from '@signalbox/shared/contracts/registry/get-agent.js';
import { getBoard } from '@signalbox/shared/contracts/registry/get-board.js';
import { getGate } from '@signalbox/shared/contracts/registry/get-gate.js';
import { getStages, type GetStagesReply } from '@signalbox/shared/contracts/registry/get-stages.js';
import { listEvidence } from '@signalbox/shared/contracts/registry/list-evidence.js';
import { listGates } from '@signalbox/shared/contracts/registry/list-gates.js';
import { promoteAgent, type PromoteAgentReply } from '@signalbox/shared/contracts/registry/promote-agent.js';
import type { Stage } from '@signalbox/shared/contracts/registry/stage.js';
import { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { ServiceLifecycle } from '@signalbox/shared/service/service-lifecycle.js';
import { auditEvents } from '@signalbox/shared/outbox/audit.js';
import { defaultWorkspace, type TestIdentity } from '@signalbox/testkit/test-issuer.js';
import pg from 'pg';
import { parseAllDocuments } from 'yaml';
import { RolloutStore } from '../src/rollouts/rollout.store.ts';
import { agentManifest, deploymentManifest, otherWorkspace, startRegistry, until, type RegistryUnderTest } from './registry.ts';

let registry: RegistryUnderTest;
beforeAll(async () => {
  registry = await startRegistry({ KPI_LOOK_MS: '200', ROLLOUT_LOOK_MS: '100' });
}, 60_000);
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
});

const thisMinute = (): string => new Date(Math.floor(Date.now() / 60_000) * 60_000).toISOString();

const operator: TestIdentity = { principal: 'user_operator', name: 'operator', roles: ['operator'] };

/** Applies the agent; each time as its next version. */
async function applied(name: string, description: string): Promise<number> {
  const manifest = agentManifest(name, { kind: 'worker', description });
  const { resource } = await registry.service.request(applyAgent, { name, manifest });
  return resource.version;
}

function add(
  agent: string,
  version: number,
  format: 'junit' | 'sarif' | 'json',
  content: string,
  suite?: string,
): Promise<AddEvidenceReply> {
  return registry.service.request(addEvidence, { agent, version, format, content, ...(suite && { suite }) });
}

function measure(agent: string, version: number, metrics: Record<string, number | boolean>): Promise<AddEvidenceReply> {
  return registry.service.request(addEvidence, { agent, version, format: 'json', content: JSON.stringify({ metrics }) });
}

function junit(passed: number, failed: number): string {
  return `<testsuite>${'<testcase name="a"/>'.repeat(passed)}${'<testcase name="b"><failure/></testcase>'.repeat(failed)}</testsuite>`;
}

function sarif(critical: number): string {
  const result = { ruleId: 'r', level: 'error', message: { text: 'a way in' } };
  const results = Array.from({ length: critical }, () => result);
  return JSON.stringify({ version: '2.1.0', runs: [{ tool: { driver: { name: 'Scanner' } }, results }] });
}

/** All that a good version needs, up to full access. */
async function evidenceOf(agent: string, version: number, latencyP95Ms = 100, errorRate = 0.01): Promise<void> {
  await add(agent, version, 'junit', junit(20, 0));
  await add(agent, version, 'junit', junit(20, 1), 'integration');
  await add(agent, version, 'sarif', sarif(0));
  await measure(agent, version, {
    ...{ 'performance.latencyP95Ms': latencyP95Ms, 'performance.errorRate': errorRate, 'performance.throughputPerSecond': 50 },
    ...{ 'security.policiesPresent': true, 'security.toolsPinned': true },
  });
}

function promote(
  agent: string,
  version: number,
  to: Stage,
  more: { dryRun?: boolean; as?: TestIdentity } = {},
): Promise<PromoteAgentReply> {
  const { as, ...rest } = more;
  return registry.service.request(promoteAgent, { agent, version, to, ...rest }, as ? { as } : {});
}

function stagesOf(agent: string): Promise<GetStagesReply> {
  return registry.service.request(getStages, { agent });
}

describe('evidence', () => {
  test('for what is not there, that cannot be read, or from who may not is refused, and nothing is kept', async () => {
    await applied('plain', 'first');
    const file = { agent: 'plain', format: 'json', content: '{"metrics":{"a":1}}' } as const;
    await expect(registry.service.request(addEvidence, { ...file, agent: 'nobody' })).rejects.toMatchObject({ code: 'not_found' });
    await expect(registry.service.request(addEvidence, { ...file, version: 7 })).rejects.toMatchObject({
      code: 'not_found',
      detail: 'the agent plain has no version 7: the current one is 1',
    });
    await expect(registry.service.request(addEvidence, { ...file, content: '{\n"metrics": }' })).rejects.toMatchObject({
      code: 'invalid',
      errors: [{ pointer: '/content', line: 2 }],
    });
    for (const as of [{ roles: ['viewer'] }, { roles: ['agent'] }, { roles: ['operator'], scopes: ['agents:write'] }] as TestIdentity[]) {
      await expect(registry.service.request(addEvidence, file, { as })).rejects.toMatchObject({ code: 'forbidden' });
    }
    await expect(registry.service.request(addEvidence, file, { as: { workspace: otherWorkspace } })).rejects.toMatchObject({
      code: 'not_found',
    });
    await expect(registry.service.request(listEvidence, { agent: 'plain' })).resolves.toEqual({ data: [], nextCursor: null });
  });

  test('is kept with who brought it, told and audited, and found by what is asked for', async () => {
    const version = await applied('proven', 'first');
    const added = await registry.service.record(evidenceAdded);
    const audits = await registry.service.record(auditEvents.registry);
    const as: TestIdentity = { principal: 'sa_ci', name: 'ci', roles: ['operator'], scopes: ['evidence:write'] };
    const unit = await registry.service.request(addEvidence, { agent: 'proven', format: 'junit', content: junit(3, 1) }, { as });
    expect(unit).toMatchObject({
      ...{ agent: 'proven', version, format: 'junit', source: 'junit', by: 'sa_ci', byName: 'ci', findings: ['failed: b'], expired: false },
      metrics: expect.arrayContaining([{ metric: 'tests.unit.passRate', value: 0.75 }]),
    });
    expect(Date.parse(unit.expiresAt) - Date.parse(unit.createdAt)).toBe(30 * 86_400_000);
    await added.next((payload) => payload.id === unit.id && payload.agentVersion === version);
    await audits.next(
      (payload) => payload.action === 'evidence.add' && payload.principal === 'sa_ci' && payload.detail?.['hash'] === unit.hash,
    );

    await measure('proven', version, { 'coverage.docs': 0.8 });
    const next = await applied('proven', 'second');
    await measure('proven', next, { velocity: 12 });
    const found = async (query: object): Promise<string[]> => {
      const { data } = await registry.service.request(listEvidence, { agent: 'proven', ...query });
      return data.map((one) => `${one.version} ${one.format} ${one.source}`);
    };
    expect(await found({})).toEqual(['2 json json', '1 json json', '1 junit junit']);
    expect(await found({ version })).toEqual(['1 json json', '1 junit junit']);
    expect(await found({ metric: 'coverage.docs' })).toEqual(['1 json json']);
    expect(await found({ q: 'VELO' })).toEqual(['2 json json']);
    expect(await found({ expired: true })).toEqual([]);
    expect(await found({ format: 'junit', source: 'junit', expired: false })).toEqual(['1 junit junit']);
    const first = await registry.service.request(listEvidence, { agent: 'proven', limit: 2 });
    const rest = await registry.service.request(listEvidence, { agent: 'proven', limit: 2, cursor: first.nextCursor! });
    expect([first.data.length, rest.data.length, rest.nextCursor]).toEqual([2, 1, null]);
  });

  test('and the history of stages can be changed or deleted by no role of the service', async () => {
    for (const role of ['request', 'system'] as const) {
      const client = new pg.Client({ connectionString: registry.service.database.url(role) });
      await client.connect();
      try {
        for (const table of ['evidence', 'stage_move']) {
          for (const text of [`UPDATE ${table} SET version = 9`, `DELETE FROM ${table}`, `TRUNCATE ${table}`]) {
            await expect(client.query(text)).rejects.toMatchObject({ code: '42501' });
          }
        }
      } finally {
        await client.end();
      }
    }
  });

  test('does not pass on to another agent of the same name', async () => {
    await applied('again', 'first');
    await add('again', 1, 'junit', junit(1, 0));
    await registry.service.request(deleteAgent, { name: 'again' });
    await applied('again', 'first');
    await expect(promote('again', 1, 'integration')).rejects.toMatchObject({ detail: expect.stringContaining('there is no evidence') });
  });

  test('of one version is bounded', async () => {
    await applied('busy', 'first');
    await measure('busy', 1, { a: 1 });
    await registry.service.database.sql(
      `INSERT INTO evidence SELECT e.workspace, e.agent, e.version, gen_random_uuid(), e.format, e.source, e.hash, e.bytes, e.metrics, e.findings, e.search,
         e.by_principal, e.by_name, e.created_at
       FROM evidence AS e JOIN agent AS a ON a.id = e.agent CROSS JOIN generate_series(1, 499) WHERE a.name = 'busy'`,
    );
    await expect(measure('busy', 1, { a: 1 })).rejects.toMatchObject({ code: 'limited' });
    await expect(applied('busy', 'second').then((version) => measure('busy', version, { a: 1 }))).resolves.toMatchObject({ version: 2 });
  });
});

describe('a promotion', () => {
  test('is for who may', async () => {
    await applied('guarded', 'first');
    for (const role of ['viewer', 'agent'] as const) {
      await expect(promote('guarded', 1, 'integration', { as: { roles: [role] } })).rejects.toMatchObject({ code: 'forbidden' });
    }
    await expect(promote('guarded', 1, 'integration', { as: { workspace: otherWorkspace } })).rejects.toMatchObject({ code: 'not_found' });
    await expect(promote('guarded', 3, 'integration')).rejects.toMatchObject({ code: 'not_found' });
  });

  test('without evidence says what is missing and which command brings it; the refusal is audited, a dry run is not', async () => {
    await applied('bare', 'first');
    const audits = await registry.service.record(auditEvents.registry);
    await expect(promote('bare', 1, 'integration', { dryRun: true })).resolves.toMatchObject({
      action: 'refused',
      check: { allowed: false },
    });
    await expect(promote('bare', 1, 'staging')).rejects.toMatchObject({
      code: 'conflict',
      detail: 'version 1 of bare cannot get to staging: version 1 is not at integration: nothing is, and 1 more',
      next: 'signalbox promote bare@1 --to integration',
      errors: [
        { pointer: '/to', detail: expect.stringContaining('not at integration') },
        {
          pointer: '/to',
          detail:
            'integration-tests: there is no evidence for tests.integration.passRate: it must be at least 0.95. signalbox evidence add bare@1 --suite integration --file junit.xml',
        },
      ],
    });
    const refused = await audits.next((payload) => payload.action === 'stage.promote' && payload.target === 'agent bare');
    expect(refused).toMatchObject({ outcome: 'denied', detail: { version: 1, stage: 'staging' } });
  });

  test('goes through all stages on good evidence, is told, audited, and shown with the agent, its board and its history', async () => {
    await applied('steady', 'first');
    await registry.service.request(applyDeployment, { name: 'staged', manifest: deploymentManifest('staged', [{ name: 'steady' }]) });
    await evidenceOf('steady', 1);
    const events = await registry.service.record(stageChanged);
    const audits = await registry.service.record(auditEvents.registry);
    for (const stage of ['integration', 'staging', 'production', 'full-access'] as const) {
      await expect(promote('steady', 1, stage, { dryRun: true })).resolves.toMatchObject({ action: 'promoted', check: { held: false } });
      await expect(promote('steady', 1, stage)).resolves.toMatchObject({ action: 'promoted', check: { stage, held: true } });
      await expect(promote('steady', 1, stage)).resolves.toMatchObject({ action: 'unchanged' });
      await events.next((payload) => payload.name === 'steady' && payload.stage === stage && payload.holder === 1);
      await audits.next((payload) => payload.action === 'stage.promote' && payload.detail?.['stage'] === stage);
    }
    await expect(registry.service.request(getAgent, { name: 'steady' })).resolves.toMatchObject({ stage: 'full-access' });
    await expect(registry.service.request(getBoard, { name: 'staged' })).resolves.toMatchObject({ agents: [{ stage: 'full-access' }] });
    const { history, holders } = await stagesOf('steady');
    expect(history.map(({ move, stage }) => `${move} ${stage}`)).toEqual([
      'promoted full-access',
      'promoted production',
      'promoted staging',
      'promoted integration',
    ]);
    expect(holders.map(({ stage, version }) => `${stage} ${version}`)).toEqual([
      'integration 1',
      'staging 1',
      'production 1',
      'full-access 1',
    ]);
    await applied('steady', 'second');
    expect(await registry.service.request(getAgent, { name: 'steady' })).not.toHaveProperty('stage');
  });

  test('of evidence that is too old is refused with the day on which it expired', async () => {
    await applied('stale', 'first');
    await add('stale', 1, 'junit', junit(1, 0));
    await registry.service.database.sql(
      `UPDATE evidence SET created_at = now() - interval '31 days' WHERE agent = (SELECT id FROM agent WHERE name = 'stale')`,
    );
    await expect(promote('stale', 1, 'integration')).rejects.toMatchObject({
      detail: expect.stringMatching(/the evidence for tests\.unit\.passRate expired on \d{4}-/),
    });
    await expect(registry.service.request(listEvidence, { agent: 'stale', expired: true })).resolves.toMatchObject({
      data: [{ expired: true }],
    });
    await add('stale', 1, 'junit', junit(1, 0));
    await expect(promote('stale', 1, 'integration')).resolves.toMatchObject({ action: 'promoted' });
  });
});

describe('a bad version', () => {
  /** Why it is refused. */
  async function refusals(agent: string, version: number, to: Stage): Promise<string[]> {
    const { check } = await promote(agent, version, to, { dryRun: true });
    await expect(promote(agent, version, to)).rejects.toMatchObject({ code: 'conflict' });
    return check.blockers.map(({ because }) => because);
  }

  test('is stopped at each gate', async () => {
    await applied('risky', 'good');
    await evidenceOf('risky', 1);
    for (const stage of ['integration', 'staging', 'production'] as const) await promote('risky', 1, stage);
    const bad = await applied('risky', 'bad');

    await add('risky', bad, 'junit', junit(19, 1));
    expect(await refusals('risky', bad, 'integration')).toEqual([
      'unit-tests: tests.unit.passRate is 0.95, and must be at least 1: 0.05 too little',
    ]);
    await add('risky', bad, 'junit', junit(20, 0));
    await promote('risky', bad, 'integration');

    await add('risky', bad, 'junit', junit(18, 2), 'integration');
    expect(await refusals('risky', bad, 'staging')).toEqual([
      'integration-tests: tests.integration.passRate is 0.9, and must be at least 0.95: 0.05 too little',
    ]);
    await add('risky', bad, 'junit', junit(20, 1), 'integration');
    await promote('risky', bad, 'staging');

    await add('risky', bad, 'sarif', sarif(2));
    await measure('risky', bad, {
      ...{ 'performance.latencyP95Ms': 150, 'performance.errorRate': 0.2, 'performance.throughputPerSecond': 20 },
      ...{ 'security.policiesPresent': true, 'security.toolsPinned': false },
    });
    expect(await refusals('risky', bad, 'production')).toEqual([
      'performance: performance.latencyP95Ms is 150, and must be at most 110 (version 1 has 100): 40 too much',
      'performance: performance.errorRate is 0.2, and must be at most 0.016 (version 1 has 0.01): 0.184 too much',
      'performance: performance.throughputPerSecond is 20, and must be at least 45 (version 1 has 50): 25 too little',
      'security-audit: security.critical is 2, and must be at most 0: 2 too much',
      'security-audit: security.toolsPinned is 0, and must be at least 1: 1 too little',
    ]);
    expect((await stagesOf('risky')).holders).toMatchObject([{ version: 2 }, { version: 2 }, { stage: 'production', version: 1 }]);
  });

  test('that got through leaves its stages by hand, and the version before is there again', async () => {
    await applied('regretted', 'good');
    await evidenceOf('regretted', 1);
    for (const stage of ['integration', 'staging', 'production'] as const) await promote('regretted', 1, stage);
    const bad = await applied('regretted', 'bad');
    await evidenceOf('regretted', bad, 105);
    for (const stage of ['integration', 'staging', 'production'] as const) await promote('regretted', bad, stage);

    await expect(registry.service.request(demoteAgent, { agent: 'regretted', version: 1, from: 'staging' })).rejects.toMatchObject({
      code: 'conflict',
      detail: 'version 1 of regretted is at no stage from staging on',
    });
    const events = await registry.service.record(stageChanged);
    const demoted = await registry.service.request(demoteAgent, {
      agent: 'regretted',
      version: bad,
      from: 'staging',
      reason: 'answers nonsense',
    });
    expect(demoted.left).toEqual(['staging', 'production']);
    expect(demoted.holders.map(({ stage, version }) => `${stage} ${version}`)).toEqual(['integration 2', 'staging 1', 'production 1']);
    await events.next((payload) => payload.change === 'demoted' && payload.stage === 'production' && payload.holder === 1);
    expect((await stagesOf('regretted')).history[0]).toMatchObject({
      move: 'demoted',
      stage: 'staging',
      version: bad,
      reason: 'answers nonsense',
    });
    await registry.service.request(demoteAgent, { agent: 'regretted', version: 1, from: 'production' });
    expect((await stagesOf('regretted')).holders.map(({ stage }) => stage)).toEqual(['integration', 'staging']);
  });
});

describe('gates', () => {
  const gateManifest = (name: string, spec: object): Record<string, unknown> => ({
    ...{ apiVersion: 'signalbox.dev/v1', kind: 'Gate', metadata: { name }, spec: { metrics: [], ...spec } },
  });
  const put = (name: string, spec: object, as: TestIdentity = {}): Promise<unknown> =>
    registry.service.request(applyGate, { name, manifest: gateManifest(name, spec) }, { as: { workspace: gatesWorkspace, ...as } });
  const gatesWorkspace = '01900000-0000-7000-8000-0000000000ee';
  const inIt = { as: { workspace: gatesWorkspace } };

  test('are for administrators to change, must make sense, and are bounded', async () => {
    await expect(put('mine', { stages: ['staging'] }, { roles: ['operator'] })).rejects.toMatchObject({ code: 'forbidden' });
    await expect(put('mine', { stages: ['moon'], agents: ['A B'] })).rejects.toMatchObject({
      code: 'invalid',
      errors: expect.arrayContaining([
        { pointer: '/spec/stages/0', detail: 'must be one of integration, staging, production, full-access' },
        { pointer: '/spec/agents/0', detail: 'must be a name: lower-case letters, digits and hyphens, at most 63' },
      ]),
    });
    const metrics = Array.from({ length: 20 }, (_, index) => ({ metric: `m${index}`, min: 1 }));
    const stages = ['integration', 'staging', 'production', 'full-access'];
    for (let index = 0; index < 5; index++) await put(`full-${index}`, { stages, metrics });
    await expect(put('one-more', { stages, metrics })).rejects.toMatchObject({ code: 'limited' });
    for (let index = 0; index < 5; index++) await registry.service.request(deleteGate, { name: `full-${index}` }, inIt);
  });

  test('built in stand there by themselves, give way to others, and come back', async () => {
    const names = async (): Promise<string[]> =>
      (await registry.service.request(listGates, {}, inIt)).data.map(({ name, builtIn }) => `${name}${builtIn ? '' : ' own'}`);
    expect(await names()).toEqual(['integration-tests', 'performance', 'security-audit', 'unit-tests']);
    await expect(registry.service.request(deleteGate, { name: 'unit-tests' }, inIt)).rejects.toMatchObject({ code: 'conflict' });
    await expect(put('unit-tests', { stages: ['integration'] })).resolves.toMatchObject({ action: 'created' });
    await expect(put('unit-tests', { stages: ['integration'] })).resolves.toMatchObject({ action: 'unchanged' });
    expect(await names()).toEqual(['integration-tests', 'performance', 'security-audit', 'unit-tests own']);
    await expect(registry.service.request(getGate, { name: 'unit-tests' }, inIt)).resolves.toMatchObject({
      manifest: { kind: 'Gate' },
      version: 1,
    });
    await registry.service.request(deleteGate, { name: 'unit-tests' }, inIt);
    await expect(registry.service.request(getGate, { name: 'unit-tests' }, inIt)).resolves.toMatchObject({ builtIn: true, version: 0 });
    await expect(registry.service.request(deleteGate, { name: 'nothing' }, inIt)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('can ask any metric, and four eyes: neither who asks, nor the same person twice, nor another role', async () => {
    await registry.service.request(applyGate, {
      name: 'reviewed',
      manifest: gateManifest('reviewed', {
        stages: ['integration'],
        agents: ['watched'],
        replaces: 'unit-tests',
        metrics: [
          { metric: 'coverage.docs', min: 0.8 },
          { metric: 'bugs.perThousandLines', max: 1.5 },
        ],
        approvals: { count: 1, roles: ['operator'] },
      }),
    });
    await applied('watched', 'first');
    await measure('watched', 1, { 'coverage.docs': 0.75, 'bugs.perThousandLines': 1 });
    const { check } = await promote('watched', 1, 'integration', { dryRun: true });
    expect(check.blockers.map(({ because }) => because)).toEqual([
      'reviewed: coverage.docs is 0.75, and must be at least 0.8: 0.05 too little',
      'reviewed: 0 of 1 approval by operator',
    ]);
    await measure('watched', 1, { 'coverage.docs': 0.85 });

    const approve = (as: TestIdentity, to: Stage = 'integration'): Promise<unknown> =>
      registry.service.request(approvePromotion, { agent: 'watched', version: 1, to }, { as });
    await expect(approve({ roles: ['viewer'] })).rejects.toMatchObject({ code: 'forbidden' });
    await expect(approve({ roles: ['admin'] })).rejects.toMatchObject({
      code: 'conflict',
      detail: 'an approval for integration counts from operator alone',
    });
    await expect(approve(operator, 'staging')).rejects.toMatchObject({
      code: 'conflict',
      detail: 'no gate of staging asks for an approval',
    });
    await expect(approve(operator)).resolves.toMatchObject({ action: 'approved', check: { allowed: true } });
    await expect(approve(operator)).resolves.toMatchObject({ action: 'unchanged' });
    await expect(promote('watched', 1, 'integration', { as: operator })).rejects.toMatchObject({
      detail: expect.stringContaining('0 of 1 approval by operator; that of whoever asks does not count'),
    });
    await expect(promote('watched', 1, 'integration')).resolves.toMatchObject({ action: 'promoted' });

    await registry.service.request(demoteAgent, { agent: 'watched', version: 1, from: 'integration' });
    await expect(promote('watched', 1, 'integration')).rejects.toMatchObject({ detail: expect.stringContaining('0 of 1 approval') });
  });
});

describe('what the registry measures by itself', () => {
  const bounded = { kind: 'worker', timeoutMs: 1_000, concurrency: 4, recovery: { owner: 'user_ann' } };

  async function version(name: string, spec: Record<string, unknown>): Promise<number> {
    const { resource } = await registry.service.request(applyAgent, { name, manifest: agentManifest(name, spec) });
    return resource.version;
  }

  /** So many calls of a version, of which some failed; each as long. */
  async function called(agent: string, of: number, calls: number, failed: number, ms: number): Promise<void> {
    const buckets = Array.from({ length: bucketOf(ms) + 1 }, (_, bucket) => (bucket === bucketOf(ms) ? calls : 0));
    const entry = {
      workspace: defaultWorkspace,
      kpi: 'agent-errors' as const,
      at: thisMinute(),
      count: calls,
      bad: failed,
      sum: calls * ms,
      buckets,
    };
    await registry.service.request(recordKpis, {
      report: randomUUID(),
      reporter: 'execution',
      entries: ['', agent].map((who) => ({ ...entry, agent: who, version: 0 })).concat([{ ...entry, agent, version: of }]),
    });
  }

  test('meets the default gates without a report on speed, policies or tools', async () => {
    for (const description of ['first', 'second', 'slower']) await version('live', { ...bounded, description });
    for (const number of [1, 2, 3]) {
      await add('live', number, 'junit', junit(1, 0), 'unit');
      await add('live', number, 'junit', junit(1, 0), 'integration');
      await add('live', number, 'sarif', sarif(0));
    }
    const promote = async (of: number, ...to: Stage[]): Promise<PromoteAgentReply> => {
      let reply: PromoteAgentReply | undefined;
      for (const stage of to) reply = await registry.service.request(promoteAgent, { agent: 'live', version: of, to: stage });
      return reply!;
    };
    await promote(1, 'integration', 'staging');
    await expect(promote(1, 'production')).rejects.toMatchObject({
      code: 'conflict',
      errors: expect.arrayContaining([
        { pointer: '/to', detail: expect.stringMatching(/no evidence for performance.errorRate.*signalbox evidence measure live@1/) },
      ]),
    });
    await called('live', 1, 30, 0, 100);
    await expect(promote(1, 'production')).resolves.toMatchObject({ action: 'promoted' });
    await called('live', 2, 30, 0, 100);
    await expect(promote(2, 'integration', 'staging', 'production')).resolves.toMatchObject({ action: 'promoted' });
    await called('live', 3, 30, 15, 400);
    await expect(promote(3, 'integration', 'staging', 'production')).rejects.toMatchObject({
      errors: expect.arrayContaining([
        { pointer: '/to', detail: expect.stringMatching(/performance.latencyP95Ms is 3\d\d.*too much/) },
        { pointer: '/to', detail: expect.stringMatching(/performance.errorRate is 0.5/) },
        { pointer: '/to', detail: expect.stringMatching(/throughputPerSecond is 1.25.*too little/) },
      ]),
    });
    const { data } = await registry.service.request(listEvidence, { agent: 'live', version: 3, format: 'live' });
    expect(data.map(({ source, byName, expired }) => [source, byName, expired])).toContainEqual(['live', 'registry', false]);
  });

  test('says what a manifest lacks, and is asked for by hand', async () => {
    await version('unbounded', { kind: 'mcp', mcp: { server: 'files' } });
    const { added, lacks } = await registry.service.request(measureAgent, { agent: 'unbounded' });
    expect(added).toHaveLength(1);
    expect(added[0]!.metrics).toContainEqual({ metric: 'security.policiesPresent', value: 0 });
    expect(added[0]!.metrics).toContainEqual({ metric: 'security.toolsPinned', value: 0 });
    expect(added[0]!.findings).toContain('spec.mcp.tools: it may use whatever files offers, also what that adds later');
    expect(lacks).toEqual(['performance: it had fewer than 20 calls within 7 days']);
    await expect(registry.service.request(measureAgent, { agent: 'unbounded' })).resolves.toMatchObject({ added: [] });
    await expect(registry.service.request(measureAgent, { agent: 'nobody' })).rejects.toMatchObject({ code: 'not_found' });
    await version('pinned', { ...bounded, kind: 'mcp', mcp: { server: 'files', tools: ['read'] } });
    const pinned = await registry.service.request(measureAgent, { agent: 'pinned' });
    expect(pinned.added[0]!.metrics.map(({ value }) => value)).toEqual([1, 1]);
  });

  test('leaves a metric to the reports that say something of it', async () => {
    const of = await version('reported', { kind: 'worker' });
    await measure('reported', of, { 'security.policiesPresent': true, 'security.toolsPinned': true });
    await registry.service.request(measureAgent, { agent: 'reported' });
    const { checks } = await registry.service.request(getStages, { agent: 'reported' });
    const metrics = checks.flatMap(({ gates }) => gates).flatMap((gate) => gate.metrics);
    expect(metrics.find(({ metric }) => metric === 'security.policiesPresent')).toMatchObject({ standing: 'met', source: 'json' });
  });

  test('is measured anew while a version has calls', async () => {
    const of = await version('busy', bounded);
    await called('busy', of, 25, 1, 10);
    const data = await until('its evidence', async () => {
      const found = await registry.service.request(listEvidence, { agent: 'busy', metric: 'performance.errorRate' });
      return found.data.length > 0 && found.data;
    });
    expect(data[0]!.metrics).toContainEqual({ metric: 'performance.errorRate', value: 0.04 });
  });
});

describe('KPIs', () => {
  const viewer: TestIdentity = { principal: 'user_viewer', name: 'viewer', roles: ['viewer'] };

  function objective(name: string, spec: Record<string, unknown>): Promise<unknown> {
    const manifest = { apiVersion: 'signalbox.dev/v1', kind: 'Objective', metadata: { name }, spec };
    return registry.service.request(applyObjective, { name, manifest });
  }

  async function kpi(name: string, asked: { window?: '1h' | '30d'; agent?: string } = {}): Promise<Kpi> {
    const { data } = await registry.service.request(listKpis, asked);
    return data.find((one) => one.name === name)!;
  }

  function report(entry: Partial<KpiEntry>): RecordKpisRequest {
    const whole = {
      workspace: defaultWorkspace,
      agent: '',
      version: 0,
      at: thisMinute(),
      count: 1,
      bad: 0,
      sum: 0,
      buckets: [],
      kpi: 'errors' as const,
    };
    return { report: randomUUID(), reporter: 'api-gateway', entries: [{ ...whole, ...entry }] };
  }

  test('a report counts once, in every window, and for its workspace alone', async () => {
    const buckets = Array.from({ length: bucketOf(50) + 1 }, (_, bucket) => (bucket === bucketOf(50) ? 2 : 0));
    const sent = report({ kpi: 'latency', count: 2, sum: 100, buckets });
    await registry.service.request(recordKpis, sent);
    await registry.service.request(recordKpis, sent);
    for (const window of ['1h', '30d'] as const) {
      expect(await kpi('latency', { window })).toMatchObject({
        count: 2,
        value: 50,
        met: true,
        target: 100,
        objective: null,
        budgetLeft: 1,
      });
    }
    const theirs = await registry.service.request(listKpis, {}, { as: { workspace: otherWorkspace } });
    expect(theirs.data.find(({ name }) => name === 'latency')).toMatchObject({ count: 0, value: null });
    await registry.service.request(recordKpis, report({ workspace: installation, kpi: 'services', count: 100, bad: 1 }));
    expect(await kpi('services')).toMatchObject({ count: 100, value: 0.99, met: false });
  });

  test('what an agent did is shown by itself, and goes with it', async () => {
    await applied('seen', 'one');
    await registry.service.request(recordKpis, report({ kpi: 'agent-errors', agent: 'seen', count: 10, bad: 1 }));
    const { data, agent } = await registry.service.request(listKpis, { agent: 'seen' });
    expect(agent).toBe('seen');
    expect(data.map(({ name }) => name)).toEqual(['latency', 'agent-errors', 'isolate', 'redistribute', 'recover']);
    expect(data[1]).toMatchObject({ count: 10, value: 0.1, target: null, met: null, burn: [] });
    await registry.service.request(deleteAgent, { name: 'seen' });
    expect(await kpi('agent-errors', { agent: 'seen' })).toMatchObject({ count: 0 });
  });

  test('objectives that cannot be are refused in words', async () => {
    await expect(objective('wrong', { kpi: 'latency', target: 100, agnet: 'a' })).rejects.toMatchObject({
      errors: [{ pointer: '/spec/agnet', detail: 'is not a known field; is agent meant?' }],
    });
    await expect(objective('wrong', { kpi: 'errors', agent: 'a', target: 5, within: 0.9 })).rejects.toMatchObject({
      errors: [{ pointer: '/spec/agent' }, { pointer: '/spec/target' }, { pointer: '/spec/within' }],
    });
    await expect(registry.service.request(applyObjective, { name: 'mine', manifest: {} }, { as: viewer })).rejects.toMatchObject({
      code: 'forbidden',
    });
    await expect(registry.service.request(getObjective, { name: 'nothing' })).rejects.toMatchObject({ code: 'not_found' });
  });

  test('an objective takes the place of the promise, one for each KPI', async () => {
    await expect(objective('quick', { kpi: 'latency', target: 20, within: 0.9 })).resolves.toMatchObject({ action: 'created' });
    await expect(objective('quick', { kpi: 'latency', target: 20, within: 0.9 })).resolves.toMatchObject({ action: 'unchanged' });
    expect(await kpi('latency')).toMatchObject({ target: 20, within: 0.9, objective: 'quick', met: false, bad: 2 });
    await expect(objective('quicker', { kpi: 'latency', target: 10 })).rejects.toMatchObject({ code: 'conflict' });
    await expect(registry.service.request(getObjective, { name: 'quick' })).resolves.toMatchObject({ manifest: { kind: 'Objective' } });
    await expect(registry.service.request(listObjectives, { q: 'latency' })).resolves.toMatchObject({ data: [{ name: 'quick' }] });
    await registry.service.request(deleteObjective, { name: 'quick' });
    expect(await kpi('latency')).toMatchObject({ target: 100, objective: null });
    await expect(registry.service.request(deleteObjective, { name: 'quick' })).rejects.toMatchObject({ code: 'not_found' });
  });

  test('a budget that burns too fast is told once, and again when it is over', async () => {
    const events = await registry.service.record(kpiChanged);
    const earlier = new Date(Date.parse(thisMinute()) - 600_000).toISOString();
    await registry.service.request(recordKpis, report({ kpi: 'errors', at: earlier }));
    await registry.service.request(recordKpis, report({ kpi: 'errors', count: 999, bad: 20 }));
    const payload = await events.next(({ kpi: name }) => name === 'errors');
    expect(payload).toMatchObject({ change: 'burning', urgency: 'page' });
    expect(payload.says).toMatch(/errors of ours.*burns 20 times as fast as it may over 1h/);
    const metrics = await until('its figures', () => {
      const text = registry.service.app.get(ServiceLifecycle).metrics();
      return Promise.resolve(text.includes('kpi="errors",stat="value"') && text);
    });
    expect(metrics).toMatch(/signalbox_kpi\{workspace="[0-9a-f-]+",kpi="errors",stat="value"\} 0\.0\d+/);
    expect(metrics).toMatch(/signalbox_kpi_burn_rate\{workspace="[0-9a-f-]+",kpi="errors",pair="1h",window="5m"\} \d+/);
    await objective('lenient', { kpi: 'errors', target: 0.5 });
    await expect(events.next(({ change }) => change === 'settled')).resolves.toMatchObject({ kpi: 'errors' });
    await registry.service.request(deleteObjective, { name: 'lenient' });
  });

  test('a budget is looked at however many workspaces come before its own', async () => {
    const others = `'00000000-0000-4000-8000-' || lpad(i::text, 12, '0')`;
    await registry.service.database.sql(
      `INSERT INTO kpi_bucket (workspace, kpi, agent, version, width, at, count, bad, sum, buckets)
       SELECT (${others})::uuid, 'errors', '', 0, 'hour', date_trunc('hour', now()), 1, 0, 0, '{}' FROM generate_series(1, 200) AS i`,
    );
    try {
      const events = await registry.service.record(kpiChanged);
      await registry.service.request(recordKpis, report({ kpi: 'errors', workspace: otherWorkspace, count: 999, bad: 20 }));
      const earlier = new Date(Date.parse(thisMinute()) - 600_000).toISOString();
      await registry.service.request(recordKpis, report({ kpi: 'errors', workspace: otherWorkspace, at: earlier }));
      await expect(events.next(({ kpi: name }) => name === 'errors', 20_000)).resolves.toMatchObject({ change: 'burning' });
    } finally {
      await registry.service.database.sql(`DELETE FROM kpi_bucket WHERE workspace::text LIKE '00000000-0000-4000-8000-%'`);
    }
  }, 30_000);
});

test('the example of objectives can be applied', async () => {
  const text = readFileSync(new URL('../../../examples/objectives/objectives.yaml', import.meta.url), 'utf8');
  const manifests = parseAllDocuments(text).map((document) => document.toJS() as { metadata: { name: string } });
  for (const { metadata, ...manifest } of manifests)
    await registry.service.request(applyObjective, { name: metadata.name, manifest: { metadata, ...manifest } });
  const { data } = await registry.service.request(listObjectives, {});
  const names = manifests.map(({ metadata }) => metadata.name);
  expect(data.map(({ name }) => name)).toEqual(expect.arrayContaining(names));
  for (const name of names) await registry.service.request(deleteObjective, { name });
});

describe('rollouts', () => {
  const steps = [{ share: 0.1 }, { share: 0.5 }];
  const http = { kind: 'http', http: { url: 'https://agent.test/' } };

  function put(name: string, description: string, rollout: object | undefined, spec: object = http): Promise<ApplyAgentReply> {
    const manifest = agentManifest(name, { ...spec, description, ...(rollout && { rollout }) });
    return registry.service.request(applyAgent, { name, manifest });
  }

  /** A first version, and a second that is rolled out; answers the rollout. */
  async function rolling(name: string, rollout: object = { strategy: 'canary', steps }): Promise<string> {
    await put(name, 'good', rollout);
    const { rollout: begun, resource } = await put(name, 'new', rollout);
    expect([begun!.version, begun!.stable, resource.version]).toEqual([2, 1, 1]);
    return begun!.id;
  }

  function ended(
    agent: string,
    version: number,
    calls: { succeeded?: number; failed?: number; tookMs?: number; costUsd?: number },
  ): Promise<void> {
    const { succeeded = 0, failed = 0, tookMs = 100, costUsd = 0 } = calls;
    const count = succeeded + failed;
    const durations = Array.from({ length: durationRange(tookMs) + 1 }, () => 0);
    durations[durations.length - 1] = count;
    const measure = { agent, version, succeeded, failed, totalMs: count * tookMs, costUsd: count * costUsd, durations };
    return registry.service.publish(instancesMeasured, { instances: [], versions: [measure], poison: [], overBudget: [] });
  }

  function rollout(id: string): Promise<GetRolloutReply> {
    return registry.service.request(getRollout, { id });
  }

  function is(id: string, what: (now: GetRolloutReply) => boolean): Promise<GetRolloutReply> {
    return until('the rollout is as it should be', async () => {
      const now = await rollout(id);
      return what(now) && now;
    });
  }

  function resolved(name: string): Promise<ResolveAgentReply> {
    return registry.service.request(resolveAgent, { name });
  }

  test('a good version gets more and more of the calls, and is the current one when all steps held', async () => {
    const told = await registry.service.record(rolloutChanged);
    const id = await rolling('rising');
    await expect(resolved('rising')).resolves.toMatchObject({
      version: 1,
      route: { version: 1, candidate: { rollout: id, version: 2, share: 0.1, stickBy: 'call' } },
    });
    await is(id, ({ reason }) => reason.startsWith('20 more calls'));
    await ended('rising', 1, { succeeded: 200 });
    await ended('rising', 2, { succeeded: 25 });
    await is(id, ({ step }) => step === 1);
    // What was measured in the step before counts no more.
    await expect(rollout(id)).resolves.toMatchObject({ share: 0.5, figures: { calls: 0 }, stableFigures: { calls: 200 } });
    await expect(resolved('rising')).resolves.toMatchObject({ route: { candidate: { share: 0.5 } } });
    await ended('rising', 2, { succeeded: 25 });
    const { history } = await is(id, ({ status }) => status === 'promoted');
    expect(history.map(({ move, figures }) => [move, figures!.calls])).toEqual([
      ['started', 0],
      ['step', 25],
      ['promoted', 25],
    ]);
    expect(history[1]!.checks.map(({ metric, standing }) => [metric, standing])).toEqual([
      ['live.errorRate', 'met'],
      ['live.latencyP95Ms', 'met'],
    ]);
    await expect(resolved('rising')).resolves.toMatchObject({ version: 2, route: { version: 2 } });
    await told.next((payload) => payload.agent === 'rising' && payload.move === 'step' && payload.share === 0.5);
    await told.next((payload) => payload.agent === 'rising' && payload.move === 'promoted' && payload.share === 1);
  });

  describe('with mirrored calls', () => {
    const llm = { kind: 'llm', llm: { model: 'm' } };
    const compare = [{ type: 'cel', name: 'kind', expression: 'output.text == expected.text' }];
    const shadow = { strategy: 'shadow', calls: 10, compare, mirror: { budgetUsd: 2 } };

    function judgedRun(agent: string, output: unknown): InvokeAgentReply {
      return {
        ...{
          id: newId('run'),
          workflow: `agent/${agent}`,
          workflowHash: '',
          status: 'succeeded',
          reason: null,
          labels: {},
          output,
          error: null,
        },
        ...{ parent: null, startedBy: '', createdAt: '', startedAt: null, endedAt: null },
        ...{ progress: { total: 1, done: 1, running: 0, waiting: 0, failed: 0 }, usage: { inputTokens: 1, outputTokens: 1, costUsd: 0.3 } },
      };
    }

    function mirrored(id: string, agent: string, pairs: Partial<MirrorPair>[], skipped = 0): Promise<void> {
      const all = pairs.map((pair) => ({ ...pairOf(), ...pair }));
      return registry.service.publish(mirrorsMeasured, { rollout: id, agent, skipped, pairs: all });
    }

    function pairOf(text = 'yes', said = text): MirrorPair {
      const task = formatTask({ run: newId('run'), step: 0, index: -1, attempt: 1 });
      const side = { tookMs: 100, costUsd: 0.01 };
      return {
        ...{ task, isEqual: text === said, input: { ask: 'it' } },
        stable: { ...side, output: { text } },
        candidate: { ...side, tookMs: 120, output: { text: said } },
      };
    }

    async function shadowed(name: string, rollout: object = shadow): Promise<string> {
      await put(name, 'good', rollout, llm);
      const { rollout: begun } = await put(name, 'new', rollout, llm);
      return begun!.id;
    }

    test.each([
      [
        'an agent that may change something',
        { ...http, rollout: { strategy: 'canary', steps: [{ mirror: 1 }] } },
        '/spec/rollout/repeatable',
      ],
      [
        'a model with tools',
        { ...llm, llm: { model: 'm', tools: ['a/b'] }, rollout: { strategy: 'canary', steps: [{ mirror: 1 }] } },
        '/spec/rollout/repeatable',
      ],
      ['bounds of nothing', { ...llm, rollout: { strategy: 'canary', mirror: { inFlight: 1 } } }, '/spec/rollout/mirror'],
      ['graders of nothing', { ...llm, rollout: { strategy: 'canary', compare } }, '/spec/rollout/compare'],
      [
        'a measure of nothing',
        { ...llm, rollout: { strategy: 'canary', measures: [{ metric: 'mirror.equal', min: 1 }] } },
        '/spec/rollout/measures/0/metric',
      ],
      [
        'a measure that is not taken',
        { ...llm, rollout: { ...shadow, measures: [{ metric: 'mirror.score.other', min: 1 }] } },
        '/spec/rollout/measures/0/metric',
      ],
      [
        'a grader that cannot be used',
        { ...llm, rollout: { ...shadow, compare: [{ type: 'cel', expression: '1 +' }] } },
        '/spec/rollout/compare/0/expression',
      ],
      [
        'a grader whose name is no part of a metric',
        { ...llm, rollout: { ...shadow, compare: [{ type: 'exact', name: 'a b' }] } },
        '/spec/rollout/compare/0/name',
      ],
    ])('%s is refused', async (_, spec, pointer) => {
      const manifest = agentManifest('refused', { description: 'x', ...spec });
      await expect(registry.service.request(applyAgent, { name: 'refused', manifest })).rejects.toMatchObject({
        code: 'invalid',
        errors: [expect.objectContaining({ pointer })],
      });
    });

    test('no report can say what they come to', async () => {
      await put('told', 'good', undefined, llm);
      const content = JSON.stringify({ metrics: { 'mirror.equal': 1 } });
      await expect(add('told', 1, 'json', content)).rejects.toMatchObject({ code: 'invalid' });
      await expect(add('told', 1, 'sarif', '{}', 'mirror')).rejects.toMatchObject({ errors: [{ pointer: '/suite' }] });
    });

    test('a shadow is promoted on them alone, and what they came to is evidence that gates can ask for', async () => {
      const id = await shadowed('mirrored');
      await expect(resolved('mirrored')).resolves.toMatchObject({
        route: { version: 1, candidate: { rollout: id, share: 0, mirror: { share: 1, perSecond: 10, inFlight: 8 } } },
      });
      await is(id, ({ reason }) => reason === 'mirror.errorRate: 0 of 10 mirrored calls that are needed to judge it');
      await mirrored(id, 'mirrored', [pairOf('yes', 'no'), ...Array.from({ length: 8 }, () => pairOf())], 3);
      const open = await is(id, ({ mirror }) => mirror?.pairs === 9);
      expect(open).toMatchObject({ status: 'progressing', share: 0 });
      expect(open.mirror).toMatchObject({
        ...{ skipped: 3, equal: 8 / 9, totalUsd: expect.closeTo(0.09), isSpent: false },
        stable: { version: 1, errorRate: 0, valid: 1, meanMs: 100 },
        candidate: { version: 2, errorRate: 0, valid: 1, meanMs: 120 },
        scores: [{ grader: 'kind', pairs: 9, stable: 1, candidate: 8 / 9, change: { value: expect.closeTo(-1 / 9) }, pValue: 1 }],
      });
      expect(open.pairs).toMatchObject([
        {
          because: 'the answers differ',
          input: '{"ask":"it"}',
          stable: '{"text":"yes"}',
          candidate: '{"text":"no"}',
          stableMs: 100,
          candidateMs: 120,
        },
      ]);
      await mirrored(id, 'mirrored', [pairOf()]);
      const { history } = await is(id, ({ status }) => status === 'promoted');
      expect(history.at(-1)).toMatchObject({ move: 'promoted', figures: { calls: 0 } });
      const { data } = await registry.service.request(listEvidence, { agent: 'mirrored', version: 2, source: 'mirror' });
      expect(data).toHaveLength(1);
      const metrics = Object.fromEntries(data[0]!.metrics.map(({ metric, value }) => [metric, value]));
      expect(metrics).toMatchObject({
        'mirror.count': 10,
        'mirror.equal': 0.9,
        'mirror.score.kind': 0.9,
        'mirror.skipped': 3,
        'mirror.latencyChange': expect.closeTo(0.2),
      });
    });

    test('a version that fails them is sent back before it had a call, and gets no more of them; a workspace sees its own alone', async () => {
      const id = await shadowed('failing', { ...shadow, measures: [{ metric: 'mirror.errorRate', maxRise: 0.1, slack: 0.02 }] });
      const { candidate } = pairOf();
      const { output: _, ...failed } = candidate;
      await mirrored(
        id,
        'failing',
        Array.from({ length: 16 }, () => ({ candidate: { ...failed, error: 'internal: it broke' } })),
      );
      const after = await is(id, ({ status }) => status === 'rolled-back');
      expect(after.reason).toBe('mirror.errorRate is 1, and must be at most 0.02 (version 1 has 0): 0.98 too much');
      expect(after.pairs).toHaveLength(16);
      expect(after.pairs![0]).toMatchObject({ because: 'only the new version failed', candidate: 'internal: it broke' });
      expect((await resolved('failing')).route).toEqual({ version: 1 });
      const narrow = { as: { ...operator, scopes: ['agents:read'] } };
      expect((await registry.service.request(getRollout, { id }, narrow)).pairs).toBeUndefined();
      const other = { as: { workspace: otherWorkspace } };
      await expect(registry.service.request(getRollout, { id }, other)).rejects.toMatchObject({ code: 'not_found' });
    });

    test('an agent grades both answers and is not told whose they are; it costs of the same budget, and its right ends with the rollout', async () => {
      const asked: { key: string; output: unknown }[] = [];
      await registry.service.answer(invokeAgent, ({ agent, input, idempotencyKey }) => {
        const { output } = input as { output: { text: string } };
        asked.push({ key: idempotencyKey!, output });
        return judgedRun(agent, { score: output.text === 'yes' ? 1 : 0.25 });
      });
      const judged = {
        ...shadow,
        compare: [{ type: 'agent', agent: 'judge', rubric: 'Be kind.' }],
        measures: [{ metric: 'mirror.score.judge.change', min: 0 }],
      };
      await expect(shadowed('judged', judged)).rejects.toMatchObject({ code: 'not_found' });
      await put('judge', 'a judge', undefined, llm);
      const { rollout: begun } = await put('judged', 'newer', judged, llm);
      const id = begun!.id;
      // Until its right is there nobody is asked.
      await until('a pair that was graded', async () => {
        if (asked.length > 0) return true;
        await mirrored(id, 'judged', [pairOf('yes', 'no')]);
        return false;
      });
      const seen = await is(id, ({ mirror }) => mirror?.scores.length === 1 && mirror.totalUsd > 0.5);
      expect(seen.mirror!.scores).toMatchObject([{ grader: 'judge', stable: 1, candidate: 0.25, change: { value: -0.75 } }]);
      const keys = new Map(asked.map(({ key, output }) => [key, output]));
      const [, task] = /^mirror (run_\S+) judge new$/.exec([...keys.keys()].find((key) => key.endsWith(' new'))!)!;
      expect([keys.get(`mirror ${task} judge stable`), keys.get(`mirror ${task} judge new`)]).toEqual([{ text: 'yes' }, { text: 'no' }]);
      await mirrored(
        id,
        'judged',
        Array.from({ length: 12 }, () => pairOf()),
      );
      await is(id, ({ status }) => status === 'rolled-back');
      await until('its right is given back', () => Promise.resolve(registry.revoked.length > 0));
    });

    test('they end when they have cost as much as they may, and of those that differ the newest are kept', async () => {
      const id = await shadowed('costly', { ...shadow, measures: [{ metric: 'mirror.count', min: 1_000 }] });
      for (let batch = 0; batch < 4; batch++)
        await mirrored(
          id,
          'costly',
          Array.from({ length: 16 }, () => pairOf('yes', 'no')),
        );
      const { pairs } = await is(id, ({ mirror }) => mirror?.pairs === 64);
      expect(pairs).toHaveLength(50);
      await mirrored(id, 'costly', [{ candidate: { tookMs: 1, costUsd: 1.5, output: 1 } }]);
      await is(id, ({ mirror }) => mirror?.isSpent === true);
      const { route } = await resolved('costly');
      expect(route!.candidate).toBeDefined();
      expect(route!.candidate!.mirror).toBeUndefined();
    });
  });

  test('those under way are found part by part, however many there are', async () => {
    for (const name of ['part-a', 'part-b', 'part-c']) await rolling(name);
    const { app } = registry.service;
    const [system, store] = [app.get(SystemDatabase, { strict: false }), app.get(RolloutStore, { strict: false })];
    const all = await system.run((tx) => store.allOpen(tx, 1_000));
    expect(all.map(({ agent_name: agent }) => agent)).toEqual(expect.arrayContaining(['part-a', 'part-b', 'part-c']));
    const parts: string[] = [];
    for (let part = all.slice(0, 1); part.length > 0;) {
      parts.push(part[0]!.id);
      part = await system.run((tx) => store.allOpen(tx, 1, parts.at(-1)));
    }
    expect(parts).toEqual(all.map(({ id }) => id));
  });

  test('a bad version is stopped at each gate, and rolled back from a canary by itself', async () => {
    const name = 'bad';
    const evals = { metric: 'performance.score', maxFall: 0.05 };
    const spec = { strategy: 'canary', steps, measures: [{ metric: 'live.errorRate', maxRise: 0.1, slack: 0.02 }, evals] };
    await put(name, 'good', spec);
    await evidenceOf(name, 1);
    await measure(name, 1, { 'performance.score': 0.9 });
    for (const stage of ['integration', 'staging', 'production'] as const) await promote(name, 1, stage);
    const { rollout: begun } = await put(name, 'more errors', spec);
    // Each gate in turn, with what would get it past the one before.
    await add(name, 2, 'junit', junit(19, 1));
    await expect(promote(name, 2, 'integration')).rejects.toMatchObject({ detail: expect.stringContaining('tests.unit.passRate is 0.95') });
    await add(name, 2, 'junit', junit(20, 0));
    await promote(name, 2, 'integration');
    await add(name, 2, 'junit', junit(8, 2), 'integration');
    await expect(promote(name, 2, 'staging')).rejects.toMatchObject({
      detail: expect.stringContaining('tests.integration.passRate is 0.8'),
    });
    await evidenceOf(name, 2, 150, 0.05);
    await promote(name, 2, 'staging');
    await expect(promote(name, 2, 'production')).rejects.toMatchObject({
      detail: expect.stringContaining('performance.latencyP95Ms is 150'),
    });

    const audits = await registry.service.record(auditEvents.registry);
    await ended(name, 1, { succeeded: 100 });
    await ended(name, 2, { succeeded: 18, failed: 12 });
    const after = await is(begun!.id, ({ status }) => status === 'rolled-back');
    expect(after.reason).toBe('live.errorRate is 0.4, and must be at most 0.02 (version 1 has 0): 0.38 too much');
    expect(after).toMatchObject({ share: 0, figures: { calls: 30, failed: 12, errorRate: 0.4 } });
    // All calls go to the good version, and to no worker of the bad one.
    const { version, route } = await resolved(name);
    expect([version, route]).toEqual([1, { version: 1 }]);
    const { data } = await registry.service.request(listIncidents, { agent: name, cause: 'rollout' });
    expect(data).toMatchObject([{ status: 'open', severity: 'high', title: expect.stringContaining('a version was rolled back') }]);
    await audits.next((payload) => payload.action === 'rollout.rollback' && payload.principal === 'registry');
    // The same manifest again does not bring it back; whoever wants it says so.
    await expect(put(name, 'more errors', spec)).resolves.toMatchObject({
      action: 'unchanged',
      rollout: { status: 'rolled-back' },
      resource: { version: 1 },
    });
    const { resource } = await registry.service.request(startRollout, { agent: name, version: 2 });
    // This time the calls go well, and the evals are worse.
    await measure(name, 2, { 'performance.score': 0.5 });
    await is(
      resource.id,
      ({ status, reason }) => status === 'rolled-back' && reason.includes('performance.score is 0.5, and must be at least 0.855'),
    );
  });

  test('slower or dearer ones are rolled back too; what may be chance is waited for', async () => {
    const slow = await rolling('slowed');
    await ended('slowed', 1, { succeeded: 50, tookMs: 300 });
    await ended('slowed', 2, { succeeded: 50, tookMs: 2_000 });
    await is(slow, ({ status, reason }) => status === 'rolled-back' && reason.startsWith('live.latencyP95Ms'));
    const dear = await rolling('dear', { strategy: 'canary', steps, measures: [{ metric: 'live.costUsd', maxRise: 0.2 }] });
    await ended('dear', 1, { succeeded: 50, costUsd: 0.01 });
    await ended('dear', 2, { succeeded: 50, costUsd: 0.02 });
    await is(dear, ({ status, reason }) => status === 'rolled-back' && reason.startsWith('live.costUsd is 0.02'));
    const unlucky = await rolling('unlucky');
    await ended('unlucky', 1, { succeeded: 50 });
    await ended('unlucky', 2, { succeeded: 19, failed: 1 });
    await is(unlucky, ({ status, reason }) => status === 'progressing' && reason.includes('which may be chance after 20 calls'));
    await ended('unlucky', 2, { succeeded: 60 });
    await is(unlucky, ({ step }) => step === 1);
  });

  test('people hold it, let it go on, promote it and send all calls back; others may not', async () => {
    const { service } = registry;
    const id = await rolling('steered', { strategy: 'canary', steps: [{ share: 0.1, pause: true }, { share: 0.5 }], calls: 1 });
    for (const roles of [['viewer'], ['agent']] as const) {
      await expect(service.request(abortRollout, { id }, { as: { roles: [...roles] } })).rejects.toMatchObject({ code: 'forbidden' });
    }
    await expect(service.request(abortRollout, { id }, { as: { workspace: otherWorkspace } })).rejects.toMatchObject({ code: 'not_found' });
    await expect(service.request(startRollout, { agent: 'steered', version: 2 })).rejects.toMatchObject({ code: 'conflict' });
    await expect(service.request(startRollout, { agent: 'steered', version: 1 })).rejects.toMatchObject({ code: 'conflict' });
    // Who lets it go on before anybody was asked has not said that the step is passed.
    await service.request(pauseRollout, { id });
    await service.request(resumeRollout, { id });
    await ended('steered', 1, { succeeded: 5 });
    await ended('steered', 2, { succeeded: 5 });
    await is(id, ({ status, reason }) => status === 'paused' && reason === 'a person has to say that it goes on');
    await service.request(resumeRollout, { id, reason: 'looks well' });
    await is(id, ({ step }) => step === 1);
    // While it is held, nothing follows from what is measured.
    await service.request(pauseRollout, { id });
    await ended('steered', 2, { failed: 50 });
    await is(id, ({ status, checks }) => status === 'paused' && checks[0]?.standing === 'failed');
    await service.request(abortRollout, { id, reason: 'no' });
    await expect(rollout(id)).resolves.toMatchObject({ status: 'rolled-back', reason: 'no' });
    await expect(service.request(promoteRollout, { id })).rejects.toMatchObject({ code: 'conflict' });
    const { resource } = await service.request(startRollout, { agent: 'steered', version: 2 });
    await service.request(promoteRollout, { id: resource.id, reason: 'it is wanted' });
    await expect(resolved('steered')).resolves.toMatchObject({ version: 2 });
    await expect(service.request(listRollouts, { agent: 'steered', status: 'promoted' })).resolves.toMatchObject({
      data: [{ id: resource.id }],
    });
    await expect(service.request(listRollouts, {}, { as: { workspace: otherWorkspace } })).resolves.toMatchObject({ data: [] });
  });

  test('what is held for its measures is measured anew when people let it go on', async () => {
    const id = await rolling('held', { strategy: 'canary', steps, onFailure: 'pause' });
    await ended('held', 1, { succeeded: 50 });
    await ended('held', 2, { failed: 25 });
    await is(id, ({ status }) => status === 'paused');
    await registry.service.request(resumeRollout, { id });
    await ended('held', 2, { succeeded: 25 });
    await is(id, ({ step }) => step === 1);
    await expect(registry.service.request(listIncidents, { agent: 'held' })).resolves.toMatchObject({ data: [{ faults: 1 }] });
  });

  test('another version takes its place, and applying the current one again goes back; versions keep their numbers', async () => {
    const spec = { strategy: 'canary', steps };
    const first = await rolling('passed', spec);
    const { rollout: second } = await put('passed', 'newer', spec);
    expect([second!.version, second!.stable]).toEqual([3, 1]);
    await expect(rollout(first)).resolves.toMatchObject({ status: 'superseded', reason: 'version 3 was applied' });
    await expect(put('passed', 'newer', spec)).resolves.toMatchObject({ action: 'unchanged', rollout: { id: second!.id } });
    await expect(put('passed', 'good', spec)).resolves.toMatchObject({ action: 'updated', resource: { version: 1 } });
    await expect(put('passed', 'good', spec)).resolves.toMatchObject({ action: 'unchanged' });
    await expect(rollout(second!.id)).resolves.toMatchObject({ status: 'superseded' });
    await expect(put('passed', 'at once', undefined)).resolves.toMatchObject({ resource: { version: 4 } });
    await expect(put('passed', 'other', spec, { kind: 'worker' })).rejects.toMatchObject({ code: 'invalid' });
    const unknown = { strategy: 'canary', measures: [{ metric: 'live.speed', max: 1 }] };
    await expect(put('passed', 'unknown', unknown)).rejects.toMatchObject({
      errors: [{ pointer: '/spec/rollout/measures/0/metric', detail: expect.stringContaining('is none of live.errorRate') }],
    });
  });

  test('no call goes to a version that no worker says it runs', async () => {
    const spec = { strategy: 'blue-green', steps: [{ share: 0, holdMs: 1 }, { share: 1 }], calls: 1 };
    await put('worked', 'good', spec, { kind: 'worker' });
    const { rollout: begun } = await put('worked', 'new', spec, { kind: 'worker' });
    const { id } = begun!;
    const at = { agent: 'worked', capacity: 1, inFlight: 0 };
    await registry.service.request(beatInstance, { ...at, instance: 'old' });
    await is(id, ({ reason }) => reason === 'no instance says that it runs version 2: all calls go to version 1');
    expect((await resolved('worked')).route).toEqual({ version: 1 });
    await ended('worked', 1, { succeeded: 5 });
    const beat = (): Promise<unknown> => registry.service.request(beatInstance, { ...at, instance: 'new', version: 2 });
    await beat();
    await is(id, ({ step, share }) => step === 1 && share === 1);
    expect((await resolved('worked')).route).toMatchObject({ version: 1, candidate: { version: 2, share: 1 } });
    await registry.service.request(beatInstance, { ...at, instance: 'new', status: 'gone' });
    await is(id, ({ share }) => share === 0);
    await beat();
    await ended('worked', 2, { succeeded: 5 });
    await is(id, ({ status }) => status === 'promoted');
  });
});
