import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { SignalboxClient } from '@signalbox/sdk/client/client.js';
import { worker } from '@signalbox/sdk/worker/worker.js';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { asSuperuser } from '../faults/servers.ts';
import { StackUnderTest, until } from '../stack-under-test.ts';
import { looks, startBrowser, Visitor } from './browser.ts';

let stack: StackUnderTest;
let browser: Browser;
let key: string;
let client: SignalboxClient;
/** A run with budgets, whose workflow has changed since so that it does not fit. */
let changed: string;

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
  const workflow = (name: string, steps: object, rest: object = {}): Promise<unknown> =>
    client.workflows.apply({ apiVersion: 'signalbox.dev/v1', kind: 'Workflow', metadata: { name }, spec: { ...rest, steps } as never });
  await workflow('blocked', { fetch: { agent: 'away' }, tell: { value: 1, needs: ['fetch'] } });
  const limits = { tenant: { key: 'ann', concurrency: 1, rate: { max: 60, per: '1m' } } };
  await workflow('shared', { ask: { agent: 'away', limits } });
  for (let number = 0; number < 3; number++) await client.workflows.start('shared', {});
  const fetch = { agent: 'away', usesAtMost: { tokens: 40 }, budget: { tokens: 50 } };
  await workflow('changed', { fetch, tell: { value: 1, needs: ['fetch'] } }, { budget: { tokens: 100, steps: 5 } });
  ({ id: changed } = await client.workflows.start('changed', {}));
  await workflow('changed', { tell: { value: 2 } });
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

test('the log of a step has what was said of its attempts: for who comes late, and when all is over', async () => {
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const reader = worker({
    ...{ agent: 'reader', url: stack.url, apiKey: key, log: () => undefined },
    skills: {
      read: {
        run: async (_, ctx) => {
          ctx.progress(`opens the book, try ${ctx.attempt}`);
          await sleep(150);
          if (ctx.attempt === 1) throw new Error('the book is shut');
          ctx.progress('reads', 0.25);
          await held;
          ctx.progress('reads', 1);
          return 'read';
        },
      },
    },
  });
  const agent = { apiVersion: 'signalbox.dev/v1', kind: 'Agent', metadata: { name: 'reader' } } as const;
  await client.agents.apply({
    ...agent,
    spec: { kind: 'worker', skills: [{ name: 'read', description: 'Reads.' }], worker: { runner: 'external' } },
  });
  const spec = { steps: { book: { agent: 'reader', skill: 'read', retry: { attempts: 2, backoff: { initialMs: 10 } } } } };
  await client.workflows.apply({ apiVersion: 'signalbox.dev/v1', kind: 'Workflow', metadata: { name: 'reading' }, spec });
  const working = reader.run();
  const { id } = await client.workflows.start('reading', {});
  await until('the second try reads', async () => (await client.runs.step(id, 'book')).attempts[1]?.log?.length === 2);
  await using visitor = await signedIn();
  await visitor.visit(`/runs/${id}?step=book`, 'reading');
  const lines = visitor.page.getByRole('log', { name: 'Log of this step' });
  for (const line of ['opens the book, try 1', 'opens the book, try 2', 'reads25 %']) await lines.getByText(line).waitFor();
  release();
  await lines.getByText('reads100 %').waitFor();
  await lines.getByText('attempt 2 succeeded').waitFor();
  await visitor.page.reload();
  for (const line of ['opens the book, try 1', 'opens the book, try 2', 'reads100 %']) await lines.getByText(line).waitFor();
  await reader.stop();
  await working;
  expect(visitor.complaints).toEqual([]);
}, 60_000);

test.each(Object.entries(looks))('pages of many runs are without barriers and no wider than the window: %s', async (_, look) => {
  const [one, two] = await client.runs.list({ workflow: 'breaks' }).take(2);
  await using visitor = await signedIn(look);
  const found: string[] = [];
  for (const [path, heading] of [
    ['/runs?workflow=breaks&since=24h', 'Runs'],
    ['/failures', 'Failures'],
    ['/limits', 'Limits'],
    ['/budgets', 'Budgets'],
    ['/usage', 'Usage'],
    [`/runs/${one!.id}?at=0&step=sum`, 'breaks'],
    [`/runs/${one!.id}/compare/${two!.id}`, 'Compare runs'],
  ] as const) {
    await visitor.visit(path, heading);
    for (const barrier of await visitor.barriers(look.colours === 'dark' ? 'colours' : 'everything')) found.push(`${path}: ${barrier}`);
    if ((await visitor.tooWide()) > 1) found.push(`${path}: too wide`);
  }
  await visitor.visit(`/runs/${changed}?step=fetch`, 'changed');
  await visitor.page.getByRole('progressbar', { name: 'Tokens, The whole run' }).waitFor();
  await visitor.page.getByText('0 of 100 used, 40 set aside').waitFor();
  found.push(...(await visitor.barriers('colours')));
  await visitor.page.getByRole('button', { name: 'Upgrade' }).click();
  await visitor.page.getByText('So the run stays as it is. What differs:').waitFor();
  found.push(...(await visitor.barriers('colours')));
  if ((await visitor.tooWide()) > 1) found.push('the dialogue: too wide');
  expect(found).toEqual([]);
  expect(visitor.complaints).toEqual([]);
});

test('a trigger is made and changed in a form, which keeps what it does not show', async () => {
  await using visitor = await signedIn(looks['phone, dark']);
  const { page } = visitor;
  await visitor.visit('/schedules?view=triggers', 'Schedules');
  await page.getByRole('button', { name: 'Create trigger' }).first().click();
  const dialogue = page.getByRole('dialog');
  await dialogue.waitFor();
  expect([...(await visitor.barriers('dialogue')), await visitor.tooWide()]).toEqual([0]);
  await dialogue.getByLabel('Name', { exact: true }).fill('after-breaks');
  await dialogue.getByLabel('Starts the workflow').selectOption('shared');
  await dialogue.getByLabel('When').selectOption('runEnded');
  await dialogue.getByLabel('Whose run ends').selectOption('breaks');
  await dialogue.getByLabel('Failed').check();
  await dialogue.getByLabel('Only if').fill("event.run.workflow == 'breaks'");
  await dialogue.getByRole('button', { name: 'Create trigger' }).click();
  await page.getByRole('heading', { name: 'after-breaks', level: 1 }).waitFor();
  const { manifest } = await client.triggers.get('after-breaks');
  await client.triggers.apply({ ...manifest, spec: { ...manifest.spec, priority: 4 } });
  await visitor.visit('/triggers/after-breaks', 'after-breaks');
  await page.getByRole('button', { name: 'Edit' }).click();
  await dialogue.getByLabel('Only if').fill("event.run.workflow == 'other'");
  await dialogue.getByRole('button', { name: 'Save trigger' }).click();
  await dialogue.waitFor({ state: 'detached' });
  const { spec } = (await client.triggers.get('after-breaks')).manifest;
  expect(spec).toEqual({
    ...{ workflow: 'shared', if: "event.run.workflow == 'other'", priority: 4 },
    on: { runEnded: { workflow: 'breaks', status: ['failed'] } },
  });
  expect(visitor.complaints).toEqual([]);
});

test('a schedule is made and changed in a form, which keeps what it does not show', async () => {
  await using visitor = await signedIn(looks['phone, light']);
  const { page } = visitor;
  await visitor.visit('/schedules', 'Schedules');
  await page.getByRole('button', { name: 'Create schedule' }).first().click();
  const dialogue = page.getByRole('dialog');
  await dialogue.waitFor();
  expect([...(await visitor.barriers('dialogue')), await visitor.tooWide()]).toEqual([0]);
  await dialogue.getByLabel('Name', { exact: true }).fill('yearly');
  await dialogue.getByLabel('Starts the workflow').selectOption('shared');
  await dialogue.getByRole('textbox', { name: 'Cron' }).fill('0 7 1 1 *');
  await dialogue.getByLabel('Input').fill('{ "a": ');
  await dialogue.getByRole('alert').waitFor();
  await dialogue.getByLabel('Input').fill('{ "a": 1 }');
  await dialogue.getByRole('button', { name: 'Create schedule' }).click();
  await page.getByRole('heading', { name: 'yearly', level: 1 }).waitFor();
  const { manifest } = await client.schedules.get('yearly');
  await client.schedules.apply({ ...manifest, spec: { ...manifest.spec, priority: 4 } });
  await visitor.visit('/schedules/yearly', 'yearly');
  await page.getByRole('button', { name: 'Edit' }).click();
  await dialogue.getByLabel('What it is for').fill('a greeting');
  await dialogue.getByRole('button', { name: 'Save schedule' }).click();
  await dialogue.waitFor({ state: 'detached' });
  const { metadata, spec } = (await client.schedules.get('yearly')).manifest;
  expect(metadata.description).toBe('a greeting');
  expect(spec).toMatchObject({ workflow: 'shared', cron: '0 7 1 1 *', input: { a: 1 }, priority: 4 });
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

test('budgets are set, changed after a look at what that means, and removed', async () => {
  await using visitor = await signedIn();
  const { page } = visitor;
  await client.budgets.apply('agent/away', { limit: { tokens: 100 } });
  await visitor.visit('/budgets', 'Budgets');
  await page.getByRole('button', { name: 'Set a budget' }).click();
  await page.getByRole('combobox', { name: 'Of', exact: true }).selectOption('workflow');
  await page.getByText('Choose the workflow.').waitFor();
  await page.getByLabel('Name').selectOption('blocked');
  await page.getByLabel('US dollars (').fill('2.5');
  await page.getByRole('button', { name: 'Set budget' }).click();
  await page.getByRole('progressbar', { name: 'Cost, Workflow blocked' }).waitFor();
  await page.getByText('$0 of $2.50 used').waitFor();
  await page.getByRole('button', { name: 'Change' }).nth(1).click();
  await page.getByLabel('US dollars (').fill('5');
  await page.getByRole('button', { name: 'See what changes' }).click();
  await page.getByText('Cost: $5.00 in place of $2.50.').waitFor();
  await page.getByRole('button', { name: 'Change budget' }).click();
  await page.getByText('$0 of $5.00 used').waitFor();
  for (const scope of ['agent away', 'workflow blocked']) {
    await page.getByRole('button', { name: 'Remove' }).first().click();
    await page
      .getByRole('alertdialog', { name: `Remove the budget of ${scope}?` })
      .getByRole('button', { name: 'Remove' })
      .click();
    await page.getByRole('alertdialog').waitFor({ state: 'detached' });
  }
  await page.getByText('No budgets.').waitFor();
  expect(visitor.complaints).toEqual([]);
});

test('of runs that nobody could read, one goes on once that is mended, and one is given up after a question', async () => {
  await client.workflows.apply({
    apiVersion: 'signalbox.dev/v1',
    kind: 'Workflow',
    metadata: { name: 'broken' },
    spec: { steps: { word: { wait: { signal: 'go' } } } },
  });
  const [mended, lost] = [await client.workflows.start('broken', {}), await client.workflows.start('broken', {})];
  const uuids = [mended, lost].map(({ id }) => toUuid(id, 'run'));
  const count = (condition: string): Promise<number | null> =>
    asSuperuser(
      stack,
      async (db) => (await db.query(`SELECT FROM execution.run WHERE run_id = ANY($1) AND ${condition}`, [uuids])).rowCount,
    );
  const write = (run: string, body: unknown): Promise<unknown> =>
    asSuperuser(stack, (db) => db.query(`UPDATE execution.journal SET body = $2 WHERE run_id = $1 AND seq = 0`, [run, body]));
  await until('both runs rest', async () => (await count('wake_at IS NOT NULL')) === 2);
  const rows = await asSuperuser(stack, async (db) => {
    const found = await db.query<{ body: Buffer }>(`SELECT body FROM execution.journal WHERE run_id = $1 AND seq = 0`, [uuids[0]]);
    return found.rows;
  });
  for (const uuid of uuids) await write(uuid, '[{"t":');
  // A word for each has it loaded.
  await asSuperuser(stack, (db) =>
    db.query(
      `INSERT INTO execution.inbox (run_id, id, shard, workspace, event)
       SELECT run_id, gen_random_uuid(), shard, workspace, $2 FROM execution.run WHERE run_id = ANY($1)`,
      [uuids, JSON.stringify({ type: 'signal', id: 'once', hash: 'x', name: 'go', data: null })],
    ),
  );
  await until('both are set aside', async () => (await count("reason = 'quarantined'")) === 2);

  await using visitor = await signedIn();
  const { page } = visitor;
  const goOn = page.getByRole('button', { name: 'Let it go on' });
  await visitor.visit(`/runs/${mended.id}`, 'broken');
  await goOn.click();
  await page.getByText(/cannot be read/).waitFor();
  await write(uuids[0]!, rows[0]!.body);
  await goOn.click();
  await page.getByText('The run of broken goes on.').waitFor();
  await page.getByText('Succeeded').first().waitFor();

  await visitor.visit(`/runs/${lost.id}`, 'broken');
  await page.getByRole('button', { name: 'It has failed' }).click();
  await page.getByRole('button', { name: 'Leave it set aside' }).click();
  expect((await client.runs.get(lost.id)).status).toBe('waiting');
  await page.getByRole('button', { name: 'It has failed' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'It has failed' }).click();
  await page.getByText('The run of broken has failed.').waitFor();
  expect((await client.runs.get(lost.id)).status).toBe('failed');
  // The browser itself notes the one refusal.
  expect(visitor.complaints).toEqual([expect.stringContaining('409')]);
});

test('a run is done again from a step with another input, by a version of its agent', async () => {
  const fetch = { agent: 'away', with: '${{ input }}', timeouts: { queue: '1s' }, retry: { attempts: 1 } };
  await client.workflows.apply({
    apiVersion: 'signalbox.dev/v1',
    kind: 'Workflow',
    metadata: { name: 'late' },
    spec: { input: { type: 'object', properties: { city: { type: 'string' } } }, steps: { fetch } } as never,
  });
  const { id } = await client.workflows.start('late', { input: { city: 'Oslo', kept: [1] } });
  await until('it has failed', async () => (await client.runs.get(id)).status === 'failed');
  await using visitor = await signedIn(looks['phone, light']);
  const { page } = visitor;
  const again = async (fill: () => Promise<unknown>): Promise<{ input?: unknown; workflowHash: string }> => {
    await visitor.visit(`/runs/${id}?step=fetch`, 'late');
    await page.getByRole('button', { name: 'Run again from here' }).click();
    await page.getByLabel('city').waitFor();
    await fill();
    await page.getByRole('button', { name: 'Run again', exact: true }).click();
    await page.getByText('goes on from').waitFor();
    return client.runs.get(page.url().split('/').at(-1) ?? '');
  };
  const before = await client.runs.get(id);
  const same = await again(async () => {
    expect(await visitor.barriers('everything')).toEqual([]);
    expect(await visitor.tooWide()).toBeLessThanOrEqual(1);
  });
  expect([same.input, same.workflowHash]).toEqual([before.input, before.workflowHash]);
  const changed = await again(async () => {
    await page.getByLabel('city').fill('Bergen');
    await page.getByLabel('Version of away').selectOption('1');
  });
  expect(changed.input).toEqual({ city: 'Bergen', kept: [1] });
  expect(changed.workflowHash).not.toBe(before.workflowHash);
  expect(visitor.complaints).toEqual([]);
});
