import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { applyWorkflow } from '@signalbox/shared/contracts/execution/apply-workflow.js';
import { cancelRun } from '@signalbox/shared/contracts/execution/cancel-run.js';
import type { GetRunReply } from '@signalbox/shared/contracts/execution/get-run.js';
import type { ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { readSource } from '@signalbox/workflow/language/read-source.js';
import { expectExact } from './exact.ts';
import { OwnerProcess } from './owner-process.ts';
import { apply, ended, insist, start, startExecution, TestWorker, until } from './peers.ts';

type Input = Record<string, unknown>;

/** What each agent of the examples gives. `turns` are those before this one. */
const agents: Record<string, (input: Input & { turns?: unknown[] }) => unknown> = {
  researcher: ({ topic, task }) => (task === undefined ? { notes: [topic] } : { text: 'figures', result: 'It leaks.' }),
  writer: ({ notes, task, draft, best, results }) =>
    draft !== undefined ? { text: `${draft as string}More. ` } : { text: `text of ${JSON.stringify(notes ?? best ?? results ?? task)}` },
  editor: ({ text, findings }) => ({ text: text ?? findings }),
  'security-reviewer': () => ({ findings: ['a'] }),
  'style-reviewer': () => ({ findings: [] }),
  'test-reviewer': () => ({ findings: ['b'] }),
  reader: ({ document }) => ({ summary: document }),
  critic: ({ summary, draft }) =>
    summary !== undefined ? { summary, rating: 5 } : { isGood: String(draft).length > 10, remarks: [String(draft).length] },
  triage: ({ message }) => (message === undefined ? { topic: 'billing' } : { handoff: 'billing' }),
  billing: ({ turns }) => (turns?.length === 1 ? { handoff: 'technical' } : { reply: 'Paid back.', text: 'Paid.' }),
  technical: () => ({ handoff: 'billing' }),
  supervisor: ({ turns }) => {
    if (turns?.length === 4) return { next: 'done', answer: 'Mended.' };
    return { next: turns?.length === 0 ? 'researcher' : 'coder', instruction: 'Do it.' };
  },
  coder: () => ({ text: 'example', result: 'A seal.' }),
  advocate: ({ turns }) => ({ says: `for ${turns?.length ?? 0}` }),
  skeptic: ({ turns }) => ({ says: `against ${turns?.length ?? 0}` }),
  judge: ({ arguments: said }) => ({ verdict: `after ${(said as unknown[]).length}` }),
  planner: () => ({
    steps: [
      { id: 'draft', agent: 'writer', task: 'Write.', dependsOn: ['facts', 'code'] },
      { id: 'facts', agent: 'researcher', task: 'Look.', dependsOn: [] },
      { id: 'code', agent: 'coder', task: 'Code.', dependsOn: [] },
    ],
  }),
  careful: () => ({ choice: 'wait' }),
  bold: () => ({ choice: 'ship' }),
  practical: () => ({ choice: 'ship' }),
  witness: ({ facts }) => ({ facts: [...(facts as string[]), 'hat'], solution: null }),
  analyst: ({ facts }) => ({ facts: [...(facts as string[]), 'shoes'], solution: null }),
  detective: ({ facts }) => ({ facts, solution: (facts as string[]).length > 3 ? 'The gardener.' : null }),
};

const examples: Record<string, { input: unknown; output: unknown; units: number }> = {
  sequential: { input: { topic: 'trams' }, output: { text: 'text of ["trams"]' }, units: 3 },
  parallel: { input: { change: 'x' }, output: { review: { security: ['a'], style: [], tests: ['b'] } }, units: 4 },
  'map-reduce': { input: { documents: ['p', 'q'] }, output: { unread: 0 }, units: 5 },
  router: { input: { question: 'Where?' }, output: { topic: 'billing', answer: 'Paid.' }, units: 2 },
  handoff: { input: { message: 'Too high.' }, output: { reply: 'Paid back.', by: 'billing' }, units: 4 },
  supervisor: { input: { task: 'Mend it.' }, output: { answer: 'Mended.', turns: 5 }, units: 5 },
  debate: { input: { question: 'Tram?', rounds: 2 }, output: { verdict: 'after 4', endedBy: 'until' }, units: 5 },
  'plan-and-execute': { input: { goal: 'a page' }, output: { plan: ['draft', 'facts', 'code'] }, units: 5 },
  vote: { input: { question: 'Release?', options: ['ship', 'wait'] }, output: { choice: 'ship' }, units: 6 },
  reflection: { input: { task: 'Write.' }, output: { drafts: 2, endedBy: 'until' }, units: 5 },
  blackboard: { input: { case: 'The spoon' }, output: { solution: 'The gardener.' }, units: 6 },
};

let service: ServiceUnderTest;
let owner: OwnerProcess;
let workers: TestWorker[];
/** How long a turn takes, by the agent. */
const takes = new Map<string, number>();
/** Turns that agents began, in their order. */
const begun: string[] = [];

beforeAll(async () => {
  service = await startExecution(Object.fromEntries(Object.keys(agents).map((name) => [name, { kind: 'worker' as const }])));
  await service.stop();
  owner = new OwnerProcess(service);
  workers = Object.entries(agents).map(
    ([agent, give]) =>
      new TestWorker(service, agent, async ({ input }) => {
        begun.push(agent);
        await sleep(takes.get(agent) ?? 0);
        return { output: give(input as Input) as never };
      }),
  );
  for (const name of Object.keys(examples)) {
    const manifest = readSource(readFileSync(new URL(`../../../examples/patterns/${name}.yaml`, import.meta.url), 'utf8')).value as Record<
      string,
      unknown
    >;
    await insist(() => service.request(applyWorkflow, { name, manifest }));
  }
}, 120_000);

afterAll(async () => {
  for (const worker of workers ?? []) worker.kill();
  owner?.kill();
  await service?.[Symbol.asyncDispose]();
}, 60_000);

async function run(name: string): Promise<GetRunReply> {
  const { id } = await start(service, { workflow: name, input: examples[name]?.input });
  return ended(service, id);
}

test.each(Object.entries(examples))(
  '%s runs on workers as it is written',
  async (name, { output, units }) => {
    const done = await run(name);
    expect(done).toMatchObject({ status: 'succeeded', error: null, output, progress: { total: units, done: units } });
  },
  60_000,
);

test('an owner that dies in the middle of a turn loses no turn, and none is taken twice', async () => {
  begun.length = 0;
  takes.set('coder', 3_000);
  const { id } = await start(service, { workflow: 'supervisor', input: examples['supervisor']?.input });
  await until(service, id, ({ steps }) => steps.some(({ key, status }) => key === 'team[3]' && status === 'running'));
  owner.kill();
  await owner.exitCode;
  owner = new OwnerProcess(service);
  const done = await ended(service, id, 60_000);
  takes.clear();
  expect(done).toMatchObject({ status: 'succeeded', output: { answer: 'Mended.', turns: 5 } });
  expect(done.steps.map(({ key, agent, status }) => [key, agent, status])).toEqual([
    ['team[0]', 'supervisor', 'succeeded'],
    ['team[1]', 'researcher', 'succeeded'],
    ['team[2]', 'supervisor', 'succeeded'],
    ['team[3]', 'coder', 'succeeded'],
    ['team[4]', 'supervisor', 'succeeded'],
  ]);
  expect(await expectExact(service, id)).toBe(5);
  // The coder's turn was adopted, not done again.
  expect(begun).toEqual(['supervisor', 'researcher', 'supervisor', 'coder', 'supervisor']);
}, 90_000);

test('a run that is cancelled in the middle of a turn takes no further one', async () => {
  begun.length = 0;
  takes.set('skeptic', 1_500);
  const { id } = await start(service, { workflow: 'debate', input: examples['debate']?.input });
  await until(service, id, ({ steps }) => steps.some(({ key, status }) => key === 'debate[1]' && status === 'running'));
  await service.request(cancelRun, { run: id });
  const done = await ended(service, id);
  expect(done.status).toBe('cancelled');
  expect(done.steps.map(({ key, status }) => [key, status])).toEqual([
    ['debate[0]', 'succeeded'],
    ['debate[1]', 'cancelled'],
    ['judge', 'cancelled'],
  ]);
  await sleep(2_000);
  takes.clear();
  expect(begun).toEqual(['advocate', 'skeptic']);
}, 60_000);

test('a map of ten thousand items streams into another, and a few may fail', async () => {
  const steps = {
    map: { forEach: '${{ input.list }}', value: '${{ item % 1000 == 0 ? [][0] : item }}', maxFailures: '1%' },
    double: { forEach: { items: '${{ steps.map.output }}', stream: true }, value: '${{ item == null ? 0 : 2 * item }}' },
  };
  await apply(service, 'wide', steps, { outputs: { sum: '${{ size(steps.double.output) }}', failed: '${{ size(steps.map.errors) }}' } });
  const { id } = await start(service, { workflow: 'wide', input: { list: Array.from({ length: 10_000 }, (_, index) => index) } });
  expect(await ended(service, id, 60_000)).toMatchObject({ status: 'succeeded', output: { sum: 10_000, failed: 10 } });
}, 90_000);

test('ten thousand results of workers come together in one run: many are recorded by each commit, and its row is left alone', async () => {
  const steps = { all: { forEach: '${{ input.list }}', agent: 'reader', with: { document: '${{ item }}' } } };
  await apply(service, 'fan-in', steps, { outputs: '${{ size(steps.all.output) }}' });
  // Each change of a run's row is counted, as one for each result would be.
  await service.database.sql(`CREATE TABLE changes (run_id uuid)`);
  await service.database.sql(
    `CREATE FUNCTION count_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
      AS 'BEGIN INSERT INTO changes VALUES (NEW.run_id); RETURN NULL; END'`,
  );
  await service.database.sql(`CREATE TRIGGER count_change AFTER UPDATE ON run FOR EACH ROW EXECUTE FUNCTION count_change()`);
  await using _wide = new TestWorker(service, 'reader', ({ input }) => ({ output: { summary: (input as Input)['document'] } }), 256);
  const { id } = await start(service, { workflow: 'fan-in', input: { list: Array.from({ length: 10_000 }, (_, index) => index) } });
  // Asked for rarely: so many steps are long to tell.
  for (const done = `SELECT 1 FROM run WHERE workflow = 'fan-in' AND status <> 'running'`; (await service.database.sql(done)).length === 0;)
    await sleep(100);
  expect(await ended(service, id)).toMatchObject({ status: 'succeeded', output: 10_000 });
  expect(await expectExact(service, id)).toBe(10_000);
  const [journal] = await service.database.sql<{ rows: number }>(
    `SELECT count(*)::int AS rows FROM journal JOIN run USING (run_id) WHERE workflow = 'fan-in'`,
  );
  expect(journal?.rows).toBeLessThan(5_000);
  expect(await service.database.sql(`SELECT 1 FROM changes JOIN run USING (run_id) WHERE workflow = 'fan-in'`)).toHaveLength(1);
}, 300_000);
