import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { page, RestDouble } from './rest-double.ts';
import { signalbox as run } from './terminal-double.ts';
import type { Printed } from './terminal-double.ts';

let rest: RestDouble;
let folder: string;

beforeEach(async () => {
  rest = await RestDouble.start();
  folder = await mkdtemp(join(tmpdir(), 'signalbox-cli-'));
});
afterEach(async () => {
  await rest.stop();
  await rm(folder, { recursive: true });
});

function signalbox(...args: string[]): Promise<Printed> {
  return run(args, { env: { SIGNALBOX_URL: rest.url, SIGNALBOX_API_KEY: 'sbx_test' }, cwd: folder });
}

const running = {
  ...{ id: 'eval_1', suite: 'greetings', suiteVersion: 1, agent: 'greeter', version: 2, status: 'running', cases: 2, repeats: 1 },
  ...{ confidence: 0.95, against: 'production', by: 'user_1', byName: 'ann', createdAt: '2026-11-24T11:00:00Z' },
};
const ended = {
  ...running,
  status: 'succeeded',
  result: {
    ...{
      score: { value: 0.75, low: 0.5, high: 1 },
      passRate: { value: 0.5, low: 0.0945, high: 0.9055 },
      attempts: 2,
      passed: 1,
      errors: 0,
    },
    ...{ latencyP95Ms: 1_500, usage: { inputTokens: 10, outputTokens: 5, costUsd: 0.01 } },
    graders: [
      { grader: 'exact', score: 0.5 },
      { grader: 'judge', score: 1, version: 3 },
    ],
    comparison: {
      ...{ eval: 'eval_0', version: 1, stage: 'production', before: 1, change: { value: -0.25, low: -0.5, high: 0 } },
      ...{ pValue: 0.03125, verdict: 'worse' },
    },
  },
};
const attempt = {
  ...{ case: 'bob', repeat: 1, labels: {}, outcome: 'failed', score: 0.5, input: { name: 'Bob' }, expected: 'Good day, Bob.' },
  ...{
    grades: [
      { grader: 'exact', score: 0, reason: '"Yo" is not "Good day, Bob."' },
      { grader: 'judge', score: 1 },
    ],
    output: '{"text":"Yo"}',
  },
};

test('an eval is started, and what it finds out is shown with what failed', async () => {
  rest.on('POST /evals', running);
  const begun = await signalbox('evals', 'run', 'greetings', '--agent', 'greeter@2', '--repeats', '3', '--against', 'staging');
  expect([begun.exit, begun.out]).toEqual([0, 'eval_1 running\nIts run begins soon; what it finds out: signalbox evals show eval_1\n']);
  expect(rest.seen[0]?.body).toEqual({ suite: 'greetings', agent: 'greeter', version: 2, repeats: 3, against: 'staging' });
  rest.on('GET /evals/eval_1', ended);
  rest.on('GET /evals/eval_1/attempts', page([attempt]));
  const { exit, out } = await signalbox('evals', 'show', 'eval_1');
  expect(exit).toBe(0);
  expect(out.split('\n')).toEqual([
    'greeter@2  greetings version 1, 2 cases',
    'eval_1 succeeded',
    '  passed  50 %  9.4 % to 90.5 %, 95 % sure; 1 of 2',
    '  score   75 %  50 % to 100 %, 95 % sure',
    '          50 %  exact',
    '          100 %  judge@3',
    '  took    95 of 100 at most 1.50 s',
    '  used    15 tokens, 0.0100 USD',
    expect.stringContaining('worse than version 1, which is at production: -25 points (-50 to 0), p = 0.031'),
    '',
    expect.stringContaining('bob  50 %'),
    '    exact: "Yo" is not "Good day, Bob."',
    '    asked    {"name":"Bob"}',
    '    expected "Good day, Bob."',
    '    answered {"text":"Yo"}',
    '',
  ]);
  expect(rest.seen.at(-1)?.query).toMatchObject({ outcome: 'diverged' });
});

test('of recorded runs it is said how many went another way, how the others differ, and how to look at both', async () => {
  const change = { value: -0.25, low: -0.5, high: -0.1 };
  const comparison = { before: 1, change, pValue: 0.008, verdict: 'worse' };
  const note = '7 of 12 runs asked what was not recorded';
  rest.on('GET /evals/eval_1', { ...ended, result: { ...ended.result, attempts: 5, diverged: 7, comparison, note } });
  const went = { case: 'run_1 letters', run: 'run_2', outcome: 'diverged', score: 0, grades: [], error: 'write asks what was not asked' };
  rest.on('GET /evals/eval_1/attempts', page([{ ...attempt, ...went }]));
  const { out } = await signalbox('evals', 'show', 'eval_1');
  expect(out).toContain('7 of 12 runs asked what was not recorded, and are not graded\n');
  expect(out).toContain('worse than what was recorded: -25 points (-50 to -10), p = 0.008\n  7 of 12');
  expect(out).toContain('run_1 letters  diverged\n    write asks what was not asked\n');
  expect(out).toContain('    compare  signalbox compare run_1 run_2\n');
});

test('one that is waited for judges the command', async () => {
  rest.on('POST /evals', running);
  rest.on('GET /evals/eval_1', ended);
  rest.on('GET /evals/eval_1/attempts', page([]));
  const follow = ['evals', 'run', 'greetings', '--agent', 'greeter', '--follow'];
  expect((await signalbox(...follow)).exit).toBe(0);
  const low = await signalbox(...follow, '--min', '0.9');
  expect([low.exit, low.err]).toEqual([1, expect.stringContaining('50 % passed, and 90 % must')]);
  rest.on('GET /evals/eval_1', { ...running, status: 'failed', reason: 'bob could not be put' });
  const failed = await signalbox(...follow);
  expect([failed.exit, failed.err]).toEqual([1, expect.stringContaining('eval_1 failed: bob could not be put')]);
  expect((await signalbox('evals', 'run', 'greetings', '--agent', 'greeter', '--min', '0.9')).exit).toBe(2);
  expect((await signalbox(...follow, '--min', '9')).exit).toBe(2);
});

test('evals and suites are listed, and a suite is deleted', async () => {
  rest.on('GET /evals', page([ended]));
  rest.on('GET /eval-suites', page([{ name: 'greetings', version: 2, cases: 2, repeats: 1, graders: ['exact', 'judge'], labels: {} }]));
  rest.on('DELETE /eval-suites/greetings', {});
  const { out } = await signalbox('evals', '--agent', 'greeter@2');
  expect(out).toMatch(/eval_1 +greetings +greeter@2 +succeeded +50 % +75 % +worse than 1/);
  expect((await signalbox('evals', 'suites')).out).toMatch(/greetings +2 +2 +1 +exact, judge/);
  expect((await signalbox('evals', 'rm', 'greetings', '--yes')).out).toBe('greetings is deleted\n');
});

test('cases of a suite may stand in a file of their own, one a line', async () => {
  rest.on('PUT /eval-suites/greetings', { action: 'created', changes: [], resource: {} });
  const suite = (casesFile: string): string =>
    `apiVersion: signalbox.dev/v1\nkind: EvalSuite\nmetadata: { name: greetings }\nspec: { casesFile: ${casesFile}, graders: [{ type: exact }] }\n`;
  await mkdir(join(folder, 'suites'));
  await writeFile(join(folder, 'suites/suite.yaml'), suite('cases.jsonl'));
  await writeFile(join(folder, 'suites/cases.jsonl'), '{"input":1,"expected":2}\n\n{"input":3}\n');
  expect(await signalbox('apply', '-f', 'suites/suite.yaml', '--yes')).toMatchObject({ exit: 0 });
  expect(rest.seen.at(-1)?.body).toMatchObject({
    spec: { cases: [{ input: 1, expected: 2 }, { input: 3 }], graders: [{ type: 'exact' }] },
  });
  await writeFile(join(folder, 'suites/cases.jsonl'), '{"input":1}\n{"input":\n');
  const broken = await signalbox('apply', '-f', 'suites/suite.yaml', '--yes');
  expect([broken.exit, broken.err]).toEqual([2, expect.stringContaining('cases.jsonl:2: ')]);
  await writeFile(join(folder, 'secret.jsonl'), '{}\n');
  await writeFile(join(folder, 'suites/suite.yaml'), suite('../secret.jsonl'));
  const outside = await signalbox('apply', '-f', 'suites/suite.yaml', '--yes');
  expect([outside.exit, outside.err]).toEqual([2, expect.stringContaining('outside the folder of the manifest')]);
});
