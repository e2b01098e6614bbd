import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { workflow } from '@signalbox/sdk/workflow/workflow.js';
import { ScriptedModel } from '@signalbox/testkit/model/scripted-model.js';
import type { Browser } from 'playwright-core';
import { root, StackUnderTest, until } from '../stack-under-test.ts';
import { looks, startBrowser, Visitor } from './browser.ts';

let stack: StackUnderTest;
let model: ScriptedModel;
let browser: Browser;
/** A run of the example that has ended. */
let run: string;
const folder = join(root, 'docs', 'decisions');

beforeAll(async () => {
  model = await ScriptedModel.start({ models: ['gpt-5-mini'] });
  stack = await StackUnderTest.create({ OPENAI_BASE_URL: model.baseUrl, OPENAI_API_KEY: 'sk-test', MODEL_PRICES: 'gpt-5-mini=0.25/2' });
  browser = await startBrowser();
  await stack.start('--no-example');
  for (const args of [
    ['apply', '-f', 'examples/repository-report', '--yes'],
    ['apply', '-f', 'examples/research/research.yaml', '--yes'],
  ]) {
    const { code, out, err } = await stack.cli(...args);
    if (code !== 0) throw new Error(`signalbox ${args.join(' ')} ended with ${code}:\n${out}${err}`);
  }
}, 240_000);
afterAll(async () => {
  await browser?.close();
  await stack?.[Symbol.asyncDispose]();
  await model?.[Symbol.asyncDispose]();
});

/** Lists, reads a file and asks for one that is not there, and answers in the wrong form first. */
function script(): void {
  const turns = [
    { text: 'I look at the folder first.', toolCalls: [{ name: 'filesystem__list_directory', arguments: { path: folder } }] },
    {
      toolCalls: [
        { name: 'filesystem__read_text_file', arguments: { path: join(folder, '0007-inputs-are-computed-again.md') } },
        { name: 'filesystem__read_text_file', arguments: { path: join(folder, 'missing.md') } },
        { name: 'filesystem__remember', arguments: {} },
      ],
    },
    { text: 'Inputs are computed again.' },
    { text: JSON.stringify({ answer: 'Outputs are recorded, **inputs** are computed again.', sources: ['0007'] }) },
  ];
  model.on(undefined, ({ messages }) => turns[messages.filter(({ role }) => role === 'assistant').length] ?? { text: '' });
}

test('a model works with a real MCP server, and a crash of the engine in its middle pays for no turn twice', async () => {
  const client = await stack.client();
  script();
  let isHeld = true;
  // The third turn does not answer before the engine has died.
  model.on(
    ({ messages }) => isHeld && messages.filter(({ role }) => role === 'assistant').length === 2,
    { text: 'Too late.', fault: { silentMs: 3_000 } },
    1,
  );
  ({ id: run } = await client.workflows.start('research', { input: { question: 'What is recorded?', folder } }));
  await until('the third turn is asked for', () => Promise.resolve(model.seen.length === 3), 60_000);
  await stack.kill('execution');
  isHeld = false;
  const { status, error, output, usage, steps } = await client.runs.result(run);
  expect({ status, error }).toEqual({ status: 'succeeded', error: null });
  expect(output).toEqual({ answer: 'Outputs are recorded, **inputs** are computed again.', sources: ['0007'] });
  expect(usage?.costUsd).toBeGreaterThan(0);
  // The ledger of the only run, in the hour's sums: nothing of what the crash met is missing or twice.
  const { total } = await client.usage.page({ by: 'model' });
  expect(total.inputTokens + total.outputTokens).toBe((usage?.inputTokens ?? 0) + (usage?.outputTokens ?? 0));
  expect(total.costUsd).toBeCloseTo(usage?.costUsd ?? 0, 9);
  const answered = model.seen.map(({ body }) => body.messages.filter(({ role }) => role === 'assistant').length);
  expect(answered.filter((turn) => turn < 2)).toEqual([0, 1]);
  const told = model.seen
    .at(-1)!
    .body.messages.filter(({ role }) => role === 'tool')
    .map(({ content }) => String(content));
  expect(told[0]).toContain('[FILE] 0007-inputs-are-computed-again.md');
  expect(told[1]).toContain('# 0007');
  expect(told[2]).toMatch(/^Error: .*missing\.md/);
  expect(told[3]).toMatch(/^Error: there is no tool filesystem__remember/);
  expect(model.seen[0]!.body.tools!.map((tool) => tool.function.name)).toEqual([
    'filesystem__list_directory',
    'filesystem__read_text_file',
  ]);
  const turns = steps.filter((step) => step.step === 'research');
  expect(turns.map(({ model: asked, tool, status: ended }) => [asked ?? tool, ended])).toEqual([
    ['gpt-5-mini', 'succeeded'],
    ['filesystem/list_directory', 'succeeded'],
    ['gpt-5-mini', 'succeeded'],
    ['filesystem/read_text_file', 'succeeded'],
    ['filesystem/read_text_file', 'failed'],
    [null, 'failed'],
    ['gpt-5-mini', 'succeeded'],
    ...(turns.length > 7 ? [['gpt-5-mini', 'succeeded']] : []),
  ]);
});

test.each(Object.entries(looks))('the run’s page shows the conversation on %s', async (_, look) => {
  await using visitor = await Visitor.open(browser, stack.url, look);
  await visitor.signIn(await stack.adminKey());
  await visitor.visit(`/runs/${run}`, 'research');
  const conversation = visitor.page.getByRole('region', { name: 'Conversation of Find the answer' });
  await conversation.getByRole('link', { name: 'Turn 3' }).waitFor();
  expect(await conversation.getByText('of 12').count()).toBe(1);
  expect(await conversation.getByText('filesystem__remember', { exact: true }).count()).toBe(1);
  await conversation.getByText('filesystem/list_directory', { exact: true }).click();
  await conversation.getByText('[FILE] 0007-inputs-are-computed-again.md').waitFor();
  await conversation.getByText('filesystem/read_text_file', { exact: true }).nth(1).click();
  expect(await visitor.page.getByText('Failed at').count()).toBe(0);
  expect(await visitor.tooWide()).toBe(0);
  expect(await visitor.barriers()).toEqual([]);
  await visitor.visit('/usage', 'Usage');
  await visitor.page.getByRole('row', { name: /gpt-5-mini/ }).waitFor();
  await visitor.page.getByRole('list', { name: 'Cost of each day' }).waitFor();
  expect(await visitor.tooWide()).toBe(0);
  expect(await visitor.barriers()).toEqual([]);
  expect(visitor.complaints).toEqual([]);
});

test('a call that people approve is answered from the run’s page, and what follows appears without a reload', async () => {
  const client = await stack.client();
  model.on(
    ({ messages }) => messages[0]?.content === 'Look around.',
    ({ messages }) =>
      messages.length === 1
        ? { toolCalls: [{ name: 'filesystem__list_directory', arguments: { path: folder } }] }
        : { text: `I have seen ${String(messages.at(-1)?.content).split('\n').length} files.` },
  );
  await client.workflows.apply(
    workflow('look-around', (w) => {
      w.llm('look', {
        model: 'gpt-5-mini',
        prompt: 'Look around.',
        tools: ['filesystem/*'],
        approve: ['filesystem/list_directory'],
      });
    }),
  );
  const { id } = await client.workflows.start('look-around');
  await using visitor = await Visitor.open(browser, stack.url);
  await visitor.signIn(await stack.adminKey());
  await visitor.visit(`/runs/${id}`, 'look-around');
  const conversation = visitor.page.getByRole('region', { name: 'Conversation of look' });
  const answer = conversation.getByRole('link', { name: 'answer' });
  const address = await answer.getAttribute('href');
  expect(await visitor.barriers()).toEqual([]);
  await client.approvals.answer(address!.split('/').at(-1)!, { approved: true });
  await conversation.getByText(/^I have seen \d+ files\.$/).waitFor();
  expect(await answer.count()).toBe(0);
  expect(visitor.complaints).toEqual([]);
});
