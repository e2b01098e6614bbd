import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { listCalls, type ListCallsRequest, type RecordedCall } from '@signalbox/shared/contracts/execution/list-calls.js';
import { listOutputs, type ItemOutput, type ListOutputsReply } from '@signalbox/shared/contracts/execution/list-outputs.js';
import { listRecordedRuns, type RecordedRun } from '@signalbox/shared/contracts/execution/list-recorded-runs.js';
import { startDefinition, type StartDefinitionRequest } from '@signalbox/shared/contracts/execution/start-definition.js';
import type { RunView } from '@signalbox/shared/contracts/execution/run-view.js';
import { addEvidence } from '@signalbox/shared/contracts/registry/add-evidence.js';
import { getRollout, type GetRolloutReply } from '@signalbox/shared/contracts/registry/get-rollout.js';
import { applyAgent, type ApplyAgentReply } from '@signalbox/shared/contracts/registry/apply-agent.js';
import { applyEvalSuite } from '@signalbox/shared/contracts/registry/apply-eval-suite.js';
import { applyGate } from '@signalbox/shared/contracts/registry/apply-gate.js';
import { deleteAgent } from '@signalbox/shared/contracts/registry/delete-agent.js';
import { deleteEvalSuite } from '@signalbox/shared/contracts/registry/delete-eval-suite.js';
import { getEval, type GetEvalReply } from '@signalbox/shared/contracts/registry/get-eval.js';
import { getEvalSuite } from '@signalbox/shared/contracts/registry/get-eval-suite.js';
import { listEvalAttempts } from '@signalbox/shared/contracts/registry/list-eval-attempts.js';
import { listEvals } from '@signalbox/shared/contracts/registry/list-evals.js';
import { listEvalSuites } from '@signalbox/shared/contracts/registry/list-eval-suites.js';
import { listEvidence } from '@signalbox/shared/contracts/registry/list-evidence.js';
import { evalEnded } from '@signalbox/shared/contracts/registry/events.js';
import { promoteAgent } from '@signalbox/shared/contracts/registry/promote-agent.js';
import { startEval, type StartEvalReply } from '@signalbox/shared/contracts/registry/start-eval.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import { checkDefinition } from '@signalbox/workflow/language/check-definition.js';
import type { TestIdentity } from '@signalbox/testkit/test-issuer.js';
import { parse, parseAllDocuments } from 'yaml';
import { agentManifest, otherWorkspace, startRegistry, until, type RegistryUnderTest } from './registry.ts';

let registry: RegistryUnderTest;
/** What was asked of execution, by the eval that is its key. */
const started = new Map<string, StartDefinitionRequest & { run: string }>();
/** How each run stands. */
const runs = new Map<string, Omit<ListOutputsReply, 'data' | 'next'> & { steps: Record<string, Omit<ItemOutput, 'index'>[]> }>();
/** Starts are refused by it, while it is set. */
let refusal: Fault | undefined;

beforeAll(async () => {
  registry = await startRegistry({ EVAL_LOOK_MS: '100', ROLLOUT_LOOK_MS: '100' });
  await registry.service.answer(startDefinition, (request) => {
    if (refusal) throw refusal;
    checkDefinition(request.manifest);
    const known = started.get(request.idempotencyKey)?.run ?? newId('run');
    started.set(request.idempotencyKey, { ...request, run: known });
    if (!runs.has(known)) runs.set(known, { status: 'running', steps: { call: [] } });
    return { ...emptyRun, id: known, workflow: request.workflow };
  });
  await registry.service.answer(listCalls, (request) => {
    callsAsked.push(request);
    const from = Number(request.cursor ?? 0);
    return { data: calls.slice(from, from + 4), nextCursor: from + 4 < calls.length ? String(from + 4) : null };
  });
  await registry.service.answer(listRecordedRuns, () => ({ data: recordedRuns, nextCursor: null }));
  await registry.service.answer(listOutputs, ({ run, step, from = 0 }) => {
    const { steps, ...stand } = runs.get(run)!;
    // Pages of two: an eval reads on.
    const items = (steps[step] ?? []).map((item, index) => ({ ...item, index }));
    return { ...stand, data: items.slice(from, from + 2), next: from + 2 < items.length ? from + 2 : null };
  });
}, 60_000);
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
});

const emptyRun: RunView = {
  ...{ id: newId('run'), workflow: '', workflowHash: '', status: 'queued', reason: null, labels: {}, error: null, parent: null },
  ...{ startedBy: '', createdAt: '', startedAt: null, endedAt: null },
  ...{ progress: { total: 0, done: 0, running: 0, waiting: 0, failed: 0 }, usage: { inputTokens: 0, outputTokens: 0, costUsd: 0 } },
};

const cases = [
  { name: 'ann', input: { name: 'Ann' }, expected: 'Good day, Ann.' },
  { name: 'bob', input: { name: 'Bob' }, expected: 'Good day, Bob.', labels: { length: 'short' } },
];

function suiteManifest(name: string, spec: Record<string, unknown> = {}): Record<string, unknown> {
  const graders = [{ type: 'exact', path: '/text' }];
  return { apiVersion: 'signalbox.dev/v1', kind: 'EvalSuite', metadata: { name }, spec: { cases, graders, ...spec } };
}

async function suite(name: string, spec: Record<string, unknown> = {}): Promise<void> {
  await registry.service.request(applyEvalSuite, { name, manifest: suiteManifest(name, spec) });
}

/** The agent, in so many versions. */
async function agent(name: string, versions = 1, kind: 'worker' | 'http' = 'http'): Promise<void> {
  for (let version = 1; version <= versions; version++) {
    const spec = { kind, description: `version ${version}`, ...(kind === 'http' && { http: { url: 'https://x.test' } }) };
    await registry.service.request(applyAgent, { name, manifest: agentManifest(name, spec) });
  }
}

function start(suiteName: string, agentName: string, more: { version?: number; repeats?: number } = {}): Promise<StartEvalReply> {
  return registry.service.request(startEval, { suite: suiteName, agent: agentName, ...more });
}

const said = (text: string): Omit<ItemOutput, 'index'> => ({
  ...{ status: 'succeeded', output: { text }, durationMs: 20 },
  usage: { inputTokens: 10, outputTokens: 5, costUsd: 0.01 },
});

/** Its run has ended so, and the registry notices. */
async function ended(
  of: StartEvalReply,
  steps: Record<string, Omit<ItemOutput, 'index'>[]>,
  more: Partial<ListOutputsReply> = {},
): Promise<GetEvalReply> {
  const run = of.run!;
  const { status = 'succeeded', error } = more;
  runs.set(run, { status, steps, ...(error && { error }) });
  return until('the end of the eval', async () => {
    const now = await registry.service.request(getEval, { id: of.id });
    return now.status === 'running' ? undefined : now;
  });
}

async function evalOf(suiteName: string, agentName: string, version: number, answers: string[]): Promise<GetEvalReply> {
  return ended(await start(suiteName, agentName, { version }), { call: answers.map(said) });
}

/** Calls that are recorded of any agent. */
let calls: RecordedCall[] = [];
const callsAsked: ListCallsRequest[] = [];
/** Runs that are recorded with any agent. */
let recordedRuns: RecordedRun[] = [];

describe('a suite', () => {
  test('that cannot be used is refused with every place that is wrong', async () => {
    const refused = (name: string, spec: Record<string, unknown>): Promise<unknown> =>
      registry.service.request(applyEvalSuite, { name, manifest: suiteManifest(name, spec) }).then(
        () => [],
        (fault: unknown) => (fault as Fault).errors?.map(({ pointer, detail }) => `${pointer} ${detail}`),
      );
    expect(
      await refused('wrong', {
        cases: [{ name: 'a' }, { name: 'a', expected: 1 }],
        repeats: 20,
        graders: [
          { type: 'exact' },
          { type: 'regex', pattern: '(' },
          { type: 'cel', expression: 'output.' },
          { type: 'schema', schema: { type: 'nothing' } },
          { type: 'exact' },
        ],
      }),
    ).toEqual([
      '/spec/cases/1/name is there twice: a',
      '/spec/graders/4/name is there twice: exact',
      expect.stringMatching(/^\/spec\/graders\/1\/pattern /),
      expect.stringMatching(/^\/spec\/graders\/2\/expression /),
      expect.stringMatching(/^\/spec\/graders\/3\/schema /),
      '/spec/cases/0/expected is missing: a grader compares with it',
    ]);
    expect(await refused('wrong', { graders: [{ type: 'regex' }] })).toEqual(['/spec/graders/0/pattern is missing']);
    expect(await refused('wrong', { graders: [{ type: 'guess' }] })).toEqual([
      expect.stringContaining('/spec/graders/0/type must be one of'),
    ]);
    expect(await refused('wrong', { repeats: 20, cases: Array.from({ length: 101 }, () => ({ expected: 1 })) })).toEqual([
      expect.stringContaining('/spec/repeats makes 2020 calls'),
    ]);
    expect(await refused('wrong', { cases: [{ expected: 'x'.repeat(200_001) }] })).toEqual([expect.stringContaining('/spec/cases has ')]);
    expect(await refused('a'.repeat(41), {})).toEqual([expect.stringContaining('/metadata/name must have at most 40')]);
  });

  test('is applied, read, listed and deleted, by operators alone and in its own workspace', async () => {
    await suite('read');
    const again = await registry.service.request(applyEvalSuite, { name: 'read', manifest: suiteManifest('read') });
    expect(again).toMatchObject({ action: 'unchanged', resource: { version: 1, cases: 2, graders: ['exact'], repeats: 1 } });
    await suite('read', { repeats: 2 });
    await expect(registry.service.request(getEvalSuite, { name: 'read' })).resolves.toMatchObject({
      version: 2,
      manifest: { spec: { repeats: 2 } },
    });
    await expect(registry.service.request(listEvalSuites, { q: 'rea' })).resolves.toMatchObject({ data: [{ name: 'read' }] });
    const stranger: TestIdentity = { workspace: otherWorkspace };
    await expect(registry.service.request(getEvalSuite, { name: 'read' }, { as: stranger })).rejects.toMatchObject({ code: 'not_found' });
    for (const as of [{ roles: ['viewer'] }, { roles: ['agent'] }] as TestIdentity[]) {
      await expect(registry.service.request(deleteEvalSuite, { name: 'read' }, { as })).rejects.toMatchObject({ code: 'forbidden' });
    }
    await registry.service.request(deleteEvalSuite, { name: 'read' }, { as: { roles: ['operator'] } });
    await expect(registry.service.request(getEvalSuite, { name: 'read' })).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('an eval', () => {
  test('of what is not there, or by who may not, is refused', async () => {
    await suite('there');
    await agent('there');
    await expect(start('nothing', 'there')).rejects.toMatchObject({ code: 'not_found', detail: 'there is no eval suite nothing' });
    await expect(start('there', 'nobody')).rejects.toMatchObject({ code: 'not_found' });
    await expect(start('there', 'there', { version: 4 })).rejects.toMatchObject({
      code: 'not_found',
      detail: expect.stringContaining('no version 4'),
    });
    await suite('judged', { graders: [{ type: 'agent', agent: 'no-judge' }] });
    await expect(start('judged', 'there')).rejects.toMatchObject({ code: 'not_found', detail: 'there is no agent no-judge' });
    const scoped: TestIdentity = { roles: ['operator'], scopes: ['evals:read'] };
    await expect(registry.service.request(startEval, { suite: 'there', agent: 'there' }, { as: scoped })).rejects.toMatchObject({
      code: 'forbidden',
    });
    await agent('turned', 1, 'worker');
    await agent('turned', 1, 'http');
    await expect(start('there', 'turned', { version: 1 })).rejects.toMatchObject({
      code: 'conflict',
      detail: expect.stringContaining('of kind worker'),
    });
    await expect(registry.service.request(listEvals, { agent: 'turned' })).resolves.toMatchObject({ data: [] });
  });

  test('puts each case to that very version as often as asked, and its result is evidence that nobody can bring otherwise', async () => {
    await suite('greetings');
    await agent('greeter', 2);
    const ends = await registry.service.record(evalEnded);
    const one = await start('greetings', 'greeter', { version: 1, repeats: 2 });
    expect(one).toMatchObject({
      status: 'running',
      version: 1,
      suiteVersion: 1,
      cases: 2,
      repeats: 2,
      against: 'production',
      byName: expect.any(String),
    });
    const { workflow, manifest, input, labels } = started.get(one.id)!;
    expect({ workflow, labels }).toEqual({
      workflow: 'eval/greetings',
      labels: { 'signalbox.dev/eval': one.id, 'signalbox.dev/eval-agent': 'greeter@1' },
    });
    expect(manifest).toMatchObject({ spec: { steps: { call: { agent: 'greeter', version: 1, maxParallel: 8, onError: 'continue' } } } });
    expect(input).toMatchObject({ order: [0, 0, 1, 1] });
    const failed: Omit<ItemOutput, 'index'> = { status: 'failed', output: null, error: { code: 'invalid', detail: 'cannot greet' } };
    const done = await ended(one, { call: [said('Good day, Ann.'), said('Good day, Ann.'), said('Hello!'), failed] });
    expect(done).toMatchObject({
      status: 'succeeded',
      result: {
        score: { value: 0.5 },
        passRate: { value: 0.5, low: expect.closeTo(0.0945, 2), high: expect.closeTo(0.9055, 2) },
        ...{ attempts: 4, passed: 2, errors: 1, latencyP50Ms: 20 },
        usage: { inputTokens: 30, outputTokens: 15, costUsd: expect.closeTo(0.03) },
        note: 'no version of greeter is at production to compare with',
      },
    });
    expect((await ends.next(({ id }) => id === one.id)).status).toBe('succeeded');
    const { data } = await registry.service.request(listEvidence, { agent: 'greeter' });
    expect(data).toMatchObject([
      {
        ...{ id: done.evidence, version: 1, format: 'eval', source: 'evals/greetings' },
        findings: ['failed: bob (1): "Hello!" is not "Good day, Bob."', 'failed: bob (2): invalid: cannot greet'],
      },
    ]);
    expect(data[0]!.metrics).toEqual(expect.arrayContaining([{ metric: 'evals.greetings.passRate', value: 0.5 }]));
    const forged = { agent: 'greeter', version: 2, format: 'json' as const, content: '{"metrics":{"evals.greetings.score":1}}' };
    await expect(registry.service.request(addEvidence, forged)).rejects.toMatchObject({
      detail: expect.stringContaining('evals.greetings.score is measured by Signalbox itself'),
    });
    const bad = await registry.service.request(listEvalAttempts, { id: one.id, outcome: ['failed', 'error'], limit: 1 });
    expect(bad.data).toMatchObject([
      { case: 'bob', repeat: 1, outcome: 'failed', labels: { length: 'short' }, output: '{"text":"Hello!"}', expected: 'Good day, Bob.' },
    ]);
    const rest = await registry.service.request(listEvalAttempts, { id: one.id, outcome: ['failed', 'error'], cursor: bad.nextCursor! });
    expect(rest).toMatchObject({ data: [{ repeat: 2, outcome: 'error', error: 'invalid: cannot greet' }], nextCursor: null });
    await expect(registry.service.request(listEvals, { agent: 'greeter', status: 'succeeded' })).resolves.toMatchObject({
      data: [{ id: one.id }],
    });
  });

  test('that says nothing of the agent is no evidence: cancelled, failed, not put, not graded', async () => {
    await suite('silent');
    await agent('silent');
    const reasonOf = async (steps: Record<string, Omit<ItemOutput, 'index'>[]>, more: Partial<ListOutputsReply> = {}): Promise<string> => {
      const { status, reason, evidence } = await ended(await start('silent', 'silent'), steps, more);
      expect(evidence).toBeUndefined();
      return `${status}: ${reason}`;
    };
    expect(await reasonOf({ call: [] }, { status: 'cancelled' })).toBe('cancelled: its run was cancelled');
    expect(await reasonOf({ call: [] }, { status: 'failed', error: { code: 'timeout', detail: 'it took too long' } })).toBe(
      'failed: its run failed: it took too long',
    );
    const away: Omit<ItemOutput, 'index'> = { status: 'failed', output: null, error: { code: 'unavailable', detail: 'nobody is there' } };
    expect(await reasonOf({ call: [said('a'), away] })).toBe('failed: bob could not be put: nobody is there');
    await expect(registry.service.request(listEvidence, { agent: 'silent' })).resolves.toMatchObject({ data: [] });
    await registry.service.database.sql(
      `INSERT INTO evidence (workspace, agent, version, id, format, source, hash, bytes, metrics, findings, search, by_principal, by_name)
       SELECT workspace, id, 1, gen_random_uuid(), 'json', 'full', '', 0, '{}', '[]', '', '', '' FROM agent, generate_series(1, 499) WHERE name = 'silent'`,
    );
    const one = await start('silent', 'silent');
    await registry.service.request(addEvidence, { agent: 'silent', version: 1, format: 'json', content: '{"metrics":{"a":1}}' });
    // What is full stays so: it is not tried without end.
    await expect(ended(one, { call: [said('a'), said('b')] })).resolves.toMatchObject({
      status: 'failed',
      reason: 'version 1 of silent has 500 pieces of evidence, which is as many as it can',
    });
  });

  test('is judged by an agent too, whose version is kept, and fails where that one says no grade', async () => {
    const graders = [
      { type: 'regex', pattern: '^Good', path: '/text' },
      { type: 'agent', agent: 'judge', rubric: 'Is it polite?', weight: 3 },
    ];
    await suite('judged', { graders, passScore: 0.7 });
    await agent('polite');
    await agent('judge', 2, 'worker');
    const one = await start('judged', 'polite');
    expect(started.get(one.id)!.manifest).toMatchObject({
      spec: { steps: { grade1: { agent: 'judge', version: 2, forEach: { stream: true } } } },
    });
    expect(started.get(one.id)!.input).toMatchObject({ rubrics: { 1: 'Is it polite?' } });
    const grade = (output: unknown): Omit<ItemOutput, 'index'> => ({ status: 'succeeded', output });
    const call = [said('Good day.'), said('Yo.')];
    const done = await ended(one, { call, grade1: [grade({ score: 0.6, reason: 'fair' }), grade({ pass: false })] });
    expect(done).toMatchObject({
      result: {
        score: { value: 0.35 },
        passed: 1,
        graders: [
          { grader: 'regex', score: 0.5 },
          { grader: 'judge', score: 0.3, version: 2 },
        ],
      },
    });
    const none = await ended(await start('judged', 'polite'), { call, grade1: [grade('great'), grade({ pass: true })] });
    expect(none).toMatchObject({
      status: 'failed',
      reason: 'ann could not be graded by judge: "great" has no score from 0 to 1, and no pass that is true or false',
    });
  });

  test('that cannot be begun is begun later where that may help, and else refused', async () => {
    await suite('late');
    await agent('late');
    refusal = new Fault('invalid', 'that cannot be', 'Correct it.');
    await expect(start('late', 'late')).rejects.toMatchObject({ code: 'invalid' });
    refusal = new Fault('unavailable', 'execution is away', 'Wait.');
    const one = await start('late', 'late');
    expect(one).toMatchObject({ status: 'running' });
    expect(one.run).toBeUndefined();
    await expect(registry.service.request(deleteEvalSuite, { name: 'late' })).rejects.toMatchObject({ code: 'conflict' });
    refusal = undefined;
    const { run } = await until(
      'a run',
      async () => {
        const now = await registry.service.request(getEval, { id: one.id });
        return now.run === undefined ? undefined : now;
      },
      30_000,
    );
    expect((await ended({ ...one, run: run! }, { call: [said('a'), said('b')] })).status).toBe('succeeded');
    const { data } = await registry.service.request(listEvals, { suite: 'late' });
    expect(data.map(({ status, reason }) => reason ?? status)).toEqual(['succeeded', 'that cannot be']);
  }, 45_000);

  test('that ends while the registry is away is settled when it is back, once', async () => {
    await suite('away');
    await agent('away');
    const one = await start('away', 'away');
    await registry.service.stop();
    runs.set(one.run!, { status: 'succeeded', steps: { call: [said('Good day, Ann.'), said('b')] } });
    await registry.service.start();
    const done = await until('its end', async () => {
      const now = await registry.service.request(getEval, { id: one.id });
      return now.status !== 'running' && now;
    });
    expect(done).toMatchObject({ status: 'succeeded', result: { passed: 1 } });
    expect((await registry.service.request(listEvidence, { agent: 'away' })).data).toHaveLength(1);
  });

  test('of an agent that was deleted meanwhile proves nothing of another of its name', async () => {
    await suite('anew');
    await agent('anew');
    const one = await start('anew', 'anew');
    await registry.service.request(deleteAgent, { name: 'anew' });
    await agent('anew');
    expect(await ended(one, { call: [said('a'), said('b')] })).toMatchObject({
      status: 'failed',
      reason: 'the agent anew was deleted meanwhile',
    });
  });
});

test('a version is compared with the one at the stage case by case, and gates ask for its figures', async () => {
  const many = Array.from({ length: 12 }, (_, index) => ({ name: `c${index}`, expected: 'yes' }));
  await suite('compared', { cases: many });
  await agent('rival', 2);
  const manifest = (spec: object): Record<string, unknown> => ({
    apiVersion: 'signalbox.dev/v1',
    kind: 'Gate',
    metadata: { name: 'evals' },
    spec,
  });
  const metrics = [
    { metric: 'evals.compared.passRateLow', min: 0.6 },
    { metric: 'evals.compared.score', maxFall: 0.05 },
  ];
  await registry.service.request(applyGate, {
    name: 'evals',
    manifest: manifest({ stages: ['integration'], agents: ['rival'], replaces: 'unit-tests', metrics }),
  });
  const promote = (version: number): Promise<unknown> =>
    registry.service.request(promoteAgent, { agent: 'rival', version, to: 'integration' });
  await expect(promote(1)).rejects.toMatchObject({
    errors: expect.arrayContaining([{ pointer: expect.any(String), detail: expect.stringContaining('evals.compared.passRateLow') }]),
  });
  const answers = (right: number): string[] => many.map((_, index) => (index < right ? 'yes' : 'no'));
  await evalOf('compared', 'rival', 1, answers(12));
  await promote(1);
  const against = { suite: 'compared', agent: 'rival', version: 2, against: 'integration' as const };
  const worse = await ended(await registry.service.request(startEval, against), { call: answers(4).map(said) });
  expect(worse.result!.comparison).toMatchObject({
    version: 1,
    stage: 'integration',
    change: { value: expect.closeTo(-8 / 12) },
    verdict: 'worse',
  });
  expect(worse.result!.comparison!.pValue).toBeCloseTo(2 / 2 ** 8);
  await expect(promote(2)).rejects.toMatchObject({
    errors: expect.arrayContaining([{ pointer: expect.any(String), detail: expect.stringContaining('evals.compared.score is 0.333333') }]),
  });
  const alike = await ended(await registry.service.request(startEval, against), { call: answers(11).map(said) });
  expect(alike.result!.comparison).toMatchObject({ pValue: 1, verdict: 'same' });
  // Other cases are another suite: there is nothing to compare with until the other version is put to them too.
  await suite('compared', { cases: many.slice(1) });
  const other = await ended(await registry.service.request(startEval, against), { call: answers(11).slice(1).map(said) });
  expect(other.result!.note).toBe(
    'version 1, which is at integration, has no eval with these cases: signalbox evals run compared --agent rival@1',
  );
});

describe('recorded calls', () => {
  const manifestOf = (name: string, spec: Record<string, unknown>): Record<string, unknown> => {
    const { cases: _, ...others } = (suiteManifest(name, spec) as { spec: Record<string, unknown> }).spec;
    return { apiVersion: 'signalbox.dev/v1', kind: 'EvalSuite', metadata: { name }, spec: others };
  };
  const recorded = async (name: string, spec: Record<string, unknown>): Promise<void> => {
    await registry.service.request(applyEvalSuite, { name, manifest: manifestOf(name, spec) });
  };
  const call = (index: number, text: string): RecordedCall => ({
    run: newId('run'),
    step: `ask[${index}]`,
    input: { index },
    output: { text },
  });

  test('are not put again where that could do harm, or where there are too few', async () => {
    await agent('busy');
    await recorded('again', { recorded: {} });
    await expect(start('again', 'busy')).rejects.toMatchObject({
      code: 'conflict',
      detail: 'busy may change something outside when it is asked again',
    });
    await recorded('again', { recorded: { repeatable: true } });
    calls = [call(0, 'a')];
    await expect(start('again', 'busy')).rejects.toMatchObject({
      code: 'conflict',
      detail: expect.stringContaining('1 calls of busy are recorded'),
    });
    await expect(
      registry.service.request(applyEvalSuite, { name: 'both', manifest: suiteManifest('both', { recorded: {} }) }),
    ).rejects.toMatchObject({ code: 'invalid' });
  });

  test('are put to another version, both answers are judged alike, and the difference is evidence', async () => {
    const manifest = agentManifest('changed', { kind: 'llm', llm: { model: 'small' } });
    await registry.service.request(applyAgent, { name: 'changed', manifest });
    await agent('fair', 1, 'worker');
    const graders = [
      { type: 'regex', path: '/text', pattern: '^yes' },
      { type: 'agent', agent: 'fair', rubric: 'Be fair.' },
    ];
    await recorded('replayed', { recorded: { calls: 9, days: 2 }, graders, passScore: 0.5 });
    await expect(registry.service.request(getEvalSuite, { name: 'replayed' })).resolves.toMatchObject({
      ...{ cases: 9, isRecorded: true, manifest: manifestOf('replayed', { recorded: { calls: 9, days: 2 }, graders, passScore: 0.5 }) },
    });
    calls = Array.from({ length: 11 }, (_, index) => call(index, 'yes, sir'));
    callsAsked.length = 0;
    const one = await start('replayed', 'changed');
    expect(one).toMatchObject({ cases: 9, status: 'running' });
    expect(callsAsked.map(({ agent: name, cursor }) => `${name} ${cursor ?? ''}`)).toEqual(['changed ', 'changed 4', 'changed 8']);
    expect(Date.now() - Date.parse(callsAsked[0]!.startedAfter)).toBeGreaterThan(1.9 * 86_400_000);
    const { manifest: made } = started.get(one.id)!;
    expect(made).toMatchObject({
      spec: { steps: { before1: { with: { expected: null, output: '${{ item.expected }}' } }, grade1: { with: { expected: null } } } },
    });
    const judged = (score: number): Omit<ItemOutput, 'index'>[] =>
      Array<Omit<ItemOutput, 'index'>>(9).fill({ status: 'succeeded', output: { score } });
    const done = await ended(one, { call: Array<Omit<ItemOutput, 'index'>>(9).fill(said('no')), grade1: judged(0.5), before1: judged(1) });
    expect(done.result!.comparison).toEqual({
      ...{ before: 1, change: { value: -0.75, low: -0.75, high: -0.75 }, pValue: 2 / 2 ** 9, verdict: 'worse' },
    });
    const { data } = await registry.service.request(listEvidence, { agent: 'changed' });
    expect(data).toMatchObject([{ source: 'counterfactual/replayed' }]);
    expect(data[0]!.metrics).toEqual(
      expect.arrayContaining([
        { metric: 'counterfactual.replayed.change', value: -0.75 },
        { metric: 'counterfactual.replayed.before', value: 1 },
      ]),
    );
    const { data: attempts } = await registry.service.request(listEvalAttempts, { id: one.id, limit: 1 });
    expect(attempts).toMatchObject([
      { case: `${calls[0]!.run} ask[0]`, input: { index: 0 }, expected: { text: 'yes, sir' }, output: '{"text":"no"}' },
    ]);
    const silent = await ended(await start('replayed', 'changed'), {
      call: Array<Omit<ItemOutput, 'index'>>(9).fill(said('no')),
      ...{ grade1: judged(0.5), before1: judged(7) },
    });
    expect(silent).toMatchObject({ status: 'failed', reason: expect.stringContaining('what was recorded: ') });
  });
});

describe('recorded runs', () => {
  const graders = [{ type: 'regex', path: '/text', pattern: '^yes' }];
  const suiteOf = (name: string, recorded: object, more: object = {}): Promise<unknown> =>
    registry.service.request(applyEvalSuite, {
      name,
      manifest: { apiVersion: 'signalbox.dev/v1', kind: 'EvalSuite', metadata: { name }, spec: { recorded, graders, ...more } },
    });
  type Gone = Omit<ItemOutput, 'index'>;
  const gave = (text: string): Gone => ({ ...said(text), run: newId('run') });
  const diverged = (): Gone => ({
    ...{ status: 'failed', output: null, run: newId('run'), isDiverged: true },
    error: { code: 'conflict', detail: 'write asks what the recorded run did not ask there' },
  });
  const many = (count: number, one: () => Gone): Gone[] => Array.from({ length: count }, one);
  const againWith = async (call: Gone[]): Promise<GetEvalReply> => {
    const asked = { suite: 'runs-again', agent: 'remade', version: 2 };
    return ended(await registry.service.request(startEval, asked), { call });
  };
  const promote = (): Promise<unknown> => registry.service.request(promoteAgent, { agent: 'remade', version: 2, to: 'integration' });

  beforeAll(async () => {
    for (const model of ['small', 'smaller']) {
      const manifest = agentManifest('remade', { kind: 'llm', llm: { model } });
      await registry.service.request(applyAgent, { name: 'remade', manifest });
    }
    const metrics = [
      { metric: 'counterfactual.runs-again.changeLow', min: -0.05 },
      { metric: 'counterfactual.runs-again.diverged', max: 0.2 },
    ];
    const spec = { stages: ['integration'], agents: ['remade'], replaces: 'unit-tests', metrics };
    const manifest = { apiVersion: 'signalbox.dev/v1', kind: 'Gate', metadata: { name: 'runs-again' }, spec };
    await registry.service.request(applyGate, { name: 'runs-again', manifest });
    recordedRuns = Array.from({ length: 12 }, (_, index) => {
      return { run: newId('run'), workflow: 'letters', input: { index }, output: { text: 'yes, sir' } };
    });
    await suiteOf('runs-again', { runs: 10 }, { timeout: '2m' });
  });

  test('stand in place of calls, and are not done again where that could do harm, or where there are too few', async () => {
    await expect(suiteOf('wrong-runs', { runs: 10, calls: 10 })).rejects.toMatchObject({
      errors: [{ pointer: '/spec/recorded/runs', detail: 'stands in place of calls: leave one of both out' }],
    });
    await expect(suiteOf('wrong-runs', { onDivergence: 'reuse' })).rejects.toMatchObject({
      errors: [{ pointer: '/spec/recorded/onDivergence' }],
    });
    await expect(suiteOf('wrong-runs', { runs: 201 })).rejects.toMatchObject({ errors: [{ pointer: '/spec/recorded/runs' }] });
    await agent('outside');
    await expect(start('runs-again', 'outside')).rejects.toMatchObject({
      code: 'conflict',
      detail: expect.stringContaining('may change something'),
    });
    const all = recordedRuns;
    recordedRuns = all.slice(0, 4);
    await expect(start('runs-again', 'remade')).rejects.toMatchObject({
      detail: '4 runs with remade are recorded that could be done again, and 5 are needed',
    });
    recordedRuns = all;
  });

  test('are done again with a version, and one that is worse on them is refused at the gate', async () => {
    const one = await start('runs-again', 'remade', { version: 2 });
    expect(one).toMatchObject({ cases: 10 });
    const { manifest, input } = started.get(one.id)!;
    expect(manifest).toMatchObject({
      spec: {
        steps: {
          call: { workflow: 'recorded-run', timeouts: { total: '2m' }, with: { agent: 'remade', version: 2, onDivergence: 'end' } },
        },
      },
    });
    expect((input as { cases: object[] }).cases[0]).toEqual({
      run: recordedRuns[0]!.run,
      input: { index: 0 },
      expected: { text: 'yes, sir' },
    });
    const call = [...many(8, () => gave('no')), gave('yes'), diverged()];
    const worse = await ended(one, { call });
    expect(worse.result).toMatchObject({
      ...{ attempts: 9, passed: 1, errors: 0, diverged: 1, usage: { costUsd: expect.closeTo(0.09) } },
      comparison: { before: 1, change: { value: expect.closeTo(-8 / 9) }, verdict: 'worse' },
    });
    const { data } = await registry.service.request(listEvidence, { agent: 'remade' });
    expect(data).toMatchObject([
      {
        source: 'counterfactual/runs-again',
        findings: expect.arrayContaining([`diverged: 1 of 10 runs, the first ${recordedRuns[9]!.run} letters: ${call[9]!.error!.detail}`]),
      },
    ]);
    expect(data[0]!.metrics).toEqual(expect.arrayContaining([{ metric: 'counterfactual.runs-again.diverged', value: 0.1 }]));
    await expect(promote()).rejects.toMatchObject({
      errors: [
        {
          pointer: expect.any(String),
          detail: expect.stringMatching(/counterfactual\.runs-again\.changeLow is -1.*must be at least -0\.05/),
        },
      ],
    });
    const attempts = await registry.service.request(listEvalAttempts, { id: one.id, outcome: ['diverged'] });
    expect(attempts.data).toMatchObject([
      { case: `${recordedRuns[9]!.run} letters`, run: call[9]!.run, outcome: 'diverged', grades: [], error: call[9]!.error!.detail },
    ]);
  });

  test('that diverged say nothing: with too many of them the difference may be any, with too few others there is no evidence', async () => {
    const half = await againWith([...many(5, () => gave('yes')), ...many(5, diverged)]);
    expect(half.result).toMatchObject({ attempts: 5, diverged: 5, comparison: { change: { value: 0 }, verdict: 'same' } });
    await suiteOf('runs-again', { runs: 12 });
    const most = await againWith([...many(5, () => gave('yes')), ...many(7, diverged)]);
    expect(most.result!.comparison).toMatchObject({ change: { value: 0, low: -1, high: 1 }, pValue: 1, verdict: 'same' });
    expect(most.result!.note).toContain('7 of 12 runs asked what was not recorded');
    await expect(promote()).rejects.toMatchObject({
      errors: [
        { pointer: expect.any(String), detail: expect.stringContaining('counterfactual.runs-again.changeLow is -1') },
        { pointer: expect.any(String), detail: expect.stringContaining('runs-again.diverged is 0.58') },
      ],
    });
    const none = await againWith([...many(4, () => gave('yes')), ...many(8, diverged)]);
    expect(none).toMatchObject({ status: 'failed', reason: expect.stringContaining('only 4 of 12 recorded runs went as recorded') });
    await againWith([...many(11, () => gave('yes')), diverged()]);
    await expect(promote()).resolves.toMatchObject({ action: 'promoted' });
  });
});

describe('a rollout with evals', () => {
  const rollout = {
    strategy: 'shadow',
    evals: ['shadowing'],
    measures: [{ metric: 'evals.shadowing.passRate', maxFall: 0.1 }],
  };

  function put(description: string, more: object = rollout): Promise<ApplyAgentReply> {
    const spec = { kind: 'http', description, http: { url: 'https://x.test' }, rollout: more };
    return registry.service.request(applyAgent, { name: 'shadowed', manifest: agentManifest('shadowed', spec) });
  }

  /** The new version answers so, and its rollout ends. */
  async function played({ id }: { id: string }, answers: string[]): Promise<GetRolloutReply> {
    const begun = await until('its eval', async () => {
      const { history } = await registry.service.request(getRollout, { id });
      return /eval_\w+/.exec(history.find(({ move }) => move === 'eval')?.text ?? '')?.[0];
    });
    await ended(await registry.service.request(getEval, { id: begun }), { call: answers.map(said) });
    return until('the end of the rollout', async () => {
      const now = await registry.service.request(getRollout, { id });
      return now.endedAt !== undefined && now;
    });
  }

  test('gives the new version no call before they went well, and sends it back when they went worse', async () => {
    await expect(put('first', { ...rollout, evals: undefined, measures: [] })).rejects.toMatchObject({
      errors: [{ pointer: '/spec/rollout/evals' }, { pointer: '/spec/rollout/measures' }],
    });
    await put('first');
    await expect(put('second')).rejects.toMatchObject({ errors: [{ pointer: '/spec/rollout/evals/0' }] });
    await suite('shadowing');
    await evalOf('shadowing', 'shadowed', 1, ['Good day, Ann.', 'Good day, Bob.']);
    const { rollout: worse } = await put('second');
    await expect(played(worse!, ['Good day, Ann.', 'Yo.'])).resolves.toMatchObject({
      status: 'rolled-back',
      share: 0,
      reason: 'evals.shadowing.passRate is 0.5, and must be at least 0.9 (version 1 has 1): 0.4 too little',
    });
    const { rollout: well } = await put('third');
    await expect(played(well!, ['Good day, Ann.', 'Good day, Bob.'])).resolves.toMatchObject({ status: 'promoted', version: 3 });
  });
});

test('the example can be applied, and its run be started', async () => {
  const file = (name: string): string => readFileSync(new URL(`../../../examples/evals/${name}`, import.meta.url), 'utf8');
  for (const document of parseAllDocuments(file('1-agents.yaml'))) {
    const manifest = document.toJS() as { metadata: { name: string } };
    await registry.service.request(applyAgent, { name: manifest.metadata.name, manifest: { ...manifest } });
  }
  const manifest = parse(file('2-suite.yaml')) as { spec: Record<string, unknown> };
  const { casesFile, ...spec } = manifest.spec;
  const lines = file(casesFile as string)
    .trim()
    .split('\n');
  const whole = { ...manifest, spec: { ...spec, cases: lines.map((line) => JSON.parse(line) as unknown) } };
  await registry.service.request(applyEvalSuite, { name: 'triage', manifest: whole });
  for (const [name, of] of [
    ['triage-replay', '4-replay.yaml'],
    ['triage-runs', '5-runs.yaml'],
  ] as const)
    await registry.service.request(applyEvalSuite, { name, manifest: parse(file(of)) as Record<string, unknown> });
  await registry.service.request(applyGate, { name: 'triage-evals', manifest: parse(file('3-gate.yaml')) as Record<string, unknown> });
  const one = await start('triage', 'triage');
  expect(started.get(one.id)!.manifest).toMatchObject({
    spec: { budget: { costUsd: 2 }, steps: { call: { usesAtMost: { costUsd: 0.05 } } } },
  });
  const answer = (team: string): Omit<ItemOutput, 'index'> => ({ status: 'succeeded', output: { team, summary: 'Wants a refund.' } });
  const judged: Omit<ItemOutput, 'index'> = { status: 'succeeded', output: { score: 1, reason: 'good' } };
  const done = await ended(one, { call: Array<typeof judged>(30).fill(answer('billing')), grade3: Array<typeof judged>(30).fill(judged) });
  expect(done.result).toMatchObject({
    attempts: 30,
    passed: 9,
    graders: [{ grader: 'team', score: 0.3 }, { score: 1 }, { score: 1 }, { grader: 'summary', score: 1 }],
  });
});
