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
    client.workflows.apply({ apiVersion: 'signalbox.dev/v1', kind: 'Workflow', metadata: { name }, spec: { steps } as never });
  await workflow('blocked', { fetch: { agent: 'away' }, tell: { value: 1, needs: ['fetch'] } });
  const limits = { tenant: { key: 'ann', concurrency: 1, rate: { max: 60, per: '1m' } } };
  await workflow('shared', { ask: { agent: 'away', limits } });
  for (let number = 0; number < 3; number++) await client.workflows.start('shared', {});
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
  await page
    .getByRole('checkbox', { name: /Select the run/ })
    .first()
    .check();
  await page.getByText('1 run selected').waitFor();
  await page.getByRole('button', { name: 'Select none' }).click();
  await page.getByRole('group', { name: 'Do to many runs' }).getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'Cancel 3 runs' }).click();
  await page
    .getByRole('row', { name: /Cancelled/ })
    .nth(2)
    .waitFor();
  expect(visitor.complaints).toEqual([]);
});

test('a run is shown as it stood before, and two runs side by side', async () => {
  const [later, earlier] = await client.runs.list({ workflow: 'breaks' }).take(2);
  await using visitor = await signedIn();
  const { page } = visitor;
  await visitor.visit(`/runs/${earlier!.id}`, 'breaks');
  await page.getByText(/Failed at/).waitFor();
  await page.getByRole('button', { name: 'Look back in time' }).click();
  await page.getByLabel('Moment in the run').press('Home');
  await page.getByText('run.started').waitFor();
  await page.getByText(/Failed at/).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Back to now' }).click();
  await page.getByText(/Failed at/).waitFor();
  await visitor.visit('/runs?workflow=breaks', 'Runs');
  const boxes = page.getByRole('checkbox', { name: /Select the run/ });
  await boxes.nth(0).check();
  await boxes.nth(1).check();
  await page.getByRole('link', { name: 'Compare' }).click();
  await page.getByText('No step differs.').waitFor();
  expect(page.url()).toContain(`/runs/${later!.id}/compare/${earlier!.id}`);
  await page.getByLabel('also those that do not differ').check();
  await page.getByRole('cell', { name: 'sum' }).waitFor();
  expect(visitor.complaints).toEqual([]);
});

test.each(Object.entries(looks))('pages of many runs are without barriers and no wider than the window: %s', async (_, look) => {
  const [one, two] = await client.runs.list({ workflow: 'breaks' }).take(2);
  await using visitor = await signedIn(look);
  const found: string[] = [];
  for (const [path, heading] of [
    ['/runs?workflow=breaks&since=24h', 'Runs'],
    ['/failures', 'Failures'],
    ['/limits', 'Limits'],
    [`/runs/${one!.id}?at=0&step=sum`, 'breaks'],
    [`/runs/${one!.id}/compare/${two!.id}`, 'Compare runs'],
  ] as const) {
    await visitor.visit(path, heading);
    for (const barrier of await visitor.barriers(look.colours === 'dark' ? 'colours' : 'everything')) found.push(`${path}: ${barrier}`);
    if ((await visitor.tooWide()) > 1) found.push(`${path}: too wide`);
  }
  expect(found).toEqual([]);
  expect(visitor.complaints).toEqual([]);
});

test('limits and queues are shown as they stand, with who has the places', async () => {
  await using visitor = await signedIn();
  const { page } = visitor;
  await visitor.visit('/limits?view=limits', 'Limits');
  const row = page.getByRole('row', { name: /tenant ann/ });
  await row.getByText('1 of 1').waitFor();
  await row.getByRole('link', { name: /^run_/ }).click();
  await page.getByRole('heading', { name: 'shared', level: 1 }).waitFor();
  const [last] = await client.runs.list({ workflow: 'shared' }).take(1);
  await visitor.visit(`/runs/${last!.id}`, 'shared');
  await page.getByText('the only place of the limit tenant for ann is taken').first().waitFor();
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
