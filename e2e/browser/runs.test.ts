import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { SignalboxClient } from '@signalbox/sdk/client/client.js';
import type { Browser } from 'playwright-core';
import { StackUnderTest } from '../stack-under-test.ts';
import { looks, startBrowser, Visitor } from './browser.ts';

let stack: StackUnderTest;
let browser: Browser;
let key: string;
let client: SignalboxClient;

beforeAll(async () => {
  stack = await StackUnderTest.create();
  browser = await startBrowser();
  await stack.start('--no-example');
  key = await stack.adminKey();
  client = await stack.client();
  await client.agents.apply({
    apiVersion: 'signalbox.dev/v1',
    kind: 'Agent',
    metadata: { name: 'away' },
    spec: { kind: 'worker', skills: [{ name: 'work', description: 'Works.' }], worker: { runner: 'external' } },
  });
  const workflow = (name: string, steps: object): Promise<unknown> =>
    client.workflows.apply({ apiVersion: 'signalbox.dev/v1', kind: 'Workflow', metadata: { name }, spec: { steps } });
  await workflow('blocked', { fetch: { agent: 'away' }, tell: { value: 1, needs: ['fetch'] } });
  await workflow('breaks', { sum: { value: '${{ input.a + input.b }}' } });
  for (let number = 0; number < 3; number++) await client.workflows.start('blocked', {});
  for (let number = 0; number < 4; number++) await client.workflows.start('breaks', { input: { a: 1 } });
}, 240_000);
afterAll(async () => {
  await browser?.close();
  await stack?.[Symbol.asyncDispose]();
});

async function signedIn(look?: (typeof looks)[string]): Promise<Visitor> {
  const visitor = await Visitor.open(browser, stack.url, look);
  await visitor.signIn(key);
  return visitor;
}

test('a run that does not go on says why, down to the root, and a step does too', async () => {
  const [run] = await client.runs.list({ workflow: 'blocked' }).take(1);
  await using visitor = await signedIn();
  await visitor.visit(`/runs/${run?.id ?? ''}?step=tell`, 'blocked');
  await visitor.page.getByText('no worker of away is connected').first().waitFor();
  const panel = visitor.page.getByRole('complementary');
  await panel.getByText('fetch has not ended').waitFor();
  await panel.getByText('Start a worker of away, or deploy it: signalbox deploy.').waitFor();
  expect(visitor.complaints).toEqual([]);
});

test('runs are filtered, the view is kept, and all that match are cancelled after a look', async () => {
  await using visitor = await signedIn();
  const { page } = visitor;
  await visitor.visit('/runs', 'Runs');
  await page.getByText('More filters').click();
  await page.getByLabel('Workflow').selectOption('blocked');
  await page.getByText('3 runs match, the newest first.').waitFor();
  await page.getByRole('button', { name: 'Save this view' }).click();
  await page.getByLabel('Name').fill('Stuck ones');
  await page.getByRole('button', { name: 'Save view' }).click();
  await page.getByRole('button', { name: 'Clear filters' }).click();
  await page.getByLabel('Saved view').selectOption('Stuck ones');
  await page.getByText('3 runs match').waitFor();
  await page.getByRole('checkbox', { name: /Select the run/ }).first().check();
  await page.getByText('1 run selected').waitFor();
  await page.getByRole('button', { name: 'Select none' }).click();
  await page.getByRole('group', { name: 'Do to many runs' }).getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'Cancel 3 runs' }).click();
  await page.getByRole('row', { name: /Cancelled/ }).nth(2).waitFor();
  expect(visitor.complaints).toEqual([]);
});

test('failures gather by reason and are put aside with a note', async () => {
  await using visitor = await signedIn();
  const { page } = visitor;
  await visitor.visit('/failures', 'Failures');
  await page.getByText('4 runs failed for 1 reason, and nobody has looked after them.').waitFor();
  await page.getByRole('button', { name: 'Dismiss' }).click();
  await page.getByLabel('Why').fill('an input of a test');
  await page.getByRole('button', { name: 'Dismiss 4 runs' }).click();
  await page.getByText('Nothing that nobody has looked after.').waitFor();
  expect((await client.runs.list({ problem: 'dismissed' }).take(9)).length).toBe(4);
  expect(visitor.complaints).toEqual([]);
});
