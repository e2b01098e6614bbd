import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { StackUnderTest } from '../stack-under-test.ts';
import { looks, startBrowser, Visitor } from './browser.ts';

let stack: StackUnderTest;
let browser: Browser;
let key: string;
/** A run of the example that has ended. */
let run: string;
/** An approval that stays open. */
let approval: string;

/** Text of foreign origin, as somebody who means harm would write it. */
const hostile = '<img src=x onerror="window.injected=true"><script>window.injected=true</script> \u202Egnp.exe';

/** A workflow that asks people. */
const release = {
  apiVersion: 'signalbox.dev/v1',
  kind: 'Workflow',
  metadata: { name: 'release' },
  spec: {
    steps: {
      ask: {
        label: 'Go live',
        approval: {
          message: 'Release ${{ input.version }}?',
          by: { roles: ['admin'] },
          form: { type: 'object', required: ['percent'], properties: { percent: { type: 'integer', title: 'Percent', maximum: 100 } } },
          deadline: '1h',
        },
        with: { notes: hostile },
      },
    },
  },
} as const;

beforeAll(async () => {
  stack = await StackUnderTest.create();
  browser = await startBrowser();
  await stack.start('--no-example');
  key = await stack.adminKey();
  await stack.loadExample();
  expect((await stack.cli('apply', '-f', 'examples/deployment-board', '--yes')).code).toBe(0);
  const client = await stack.client();
  await client.agents.apply({
    apiVersion: 'signalbox.dev/v1',
    kind: 'Agent',
    metadata: { name: 'hostile' },
    spec: { kind: 'worker', description: hostile, skills: [{ name: 'harm', description: hostile }], worker: { runner: 'external' } },
  });
  await client.workflows.apply(release);
  ({ approval } = await asked('v0'));
  ({ id: run } = await client.workflows.start('repository-report'));
  await client.runs.result(run);
}, 240_000);
afterAll(async () => {
  await browser?.close();
  await stack?.[Symbol.asyncDispose]();
});

/** A run that waits for its approval. */
async function asked(version: string): Promise<{ id: string; approval: string }> {
  const client = await stack.client();
  const { id } = await client.workflows.start('release', { input: { version } });
  for (const until = performance.now() + 10_000; performance.now() < until; await sleep(20)) {
    const [open] = await client.approvals.list({ run: id }).take(1);
    if (open) return { id, approval: open.id };
  }
  throw new Error(`nothing was asked: ${JSON.stringify(await client.runs.get(id))}`);
}

async function signedIn(): Promise<Visitor> {
  const visitor = await Visitor.open(browser, stack.url);
  await visitor.signIn(key);
  return visitor;
}

describe('the board', () => {
  test('shows the nine agents as the registry computes them, with what they wait for', async () => {
    await using visitor = await signedIn();
    await visitor.visit('/deployments/nine-agents', 'nine-agents');
    const table = visitor.page.getByRole('table', { name: 'Agents of the deployment' });
    for (const [agent, status] of Object.entries({
      'database-architect': 'Done',
      'mcp-server-manager': 'Ready',
      'agent-registry': 'Ready',
      'protocol-manager': 'Active',
      'context-manager': 'Waiting',
      'workflow-execution': 'Waiting',
      'api-endpoint': 'Waiting',
      security: 'Parallel',
      testing: 'Parallel',
    })) {
      expect([agent, await table.getByRole('row', { name: new RegExp(`^${agent}\\b.*${status}`) }).count()]).toEqual([agent, 1]);
    }
    expect(await table.getByRole('row', { name: /^workflow-execution/ }).textContent()).toContain('agent-registry and protocol-manager');
    expect(await visitor.page.getByRole('link', { name: /^Start agent-registry$/ }).count()).toBe(1);
    expect(visitor.complaints).toEqual([]);
  });

  test('a report by its button is told to every open page, without a reload', async () => {
    await using one = await signedIn();
    await using other = await signedIn();
    await other.visit('/deployments/nine-agents', 'nine-agents');
    await one.visit('/deployments/nine-agents?agent=security', 'nine-agents');
    await one.page
      .getByRole('button', { name: /^Report begun/ })
      .first()
      .click();
    await other.page.getByRole('row', { name: /^security.*Active/ }).waitFor();
  });

  test('why an agent waits is one click away, down to what can be acted on', async () => {
    await using visitor = await signedIn();
    await visitor.visit('/deployments/nine-agents', 'nine-agents');
    await visitor.page
      .getByRole('table')
      .getByRole('link', { name: /^api-endpoint/ })
      .click();
    const panel = visitor.page.getByRole('region', { name: 'api-endpoint' });
    await panel.getByText('Why it waits').waitFor();
    await panel.getByRole('link', { name: 'agent-registry' }).click();
    await visitor.page.getByRole('region', { name: 'agent-registry' }).getByText('What waits for it').waitFor();
    expect(new URL(visitor.page.url()).searchParams.get('agent')).toBe('agent-registry');
  });
});

describe('a run', () => {
  test('is started by the form of its workflow, followed live, and its report reads as a page', async () => {
    await using visitor = await signedIn();
    const { page } = visitor;
    await visitor.visit('/workflows/repository-report?view=start', 'repository-report');
    await page.getByRole('button', { name: 'Start the run' }).click();
    await page
      .getByRole('list', { name: 'Steps' })
      .getByRole('link', { name: /analyse/ })
      .first()
      .waitFor();
    await page.getByText('Succeeded', { exact: true }).first().waitFor({ timeout: 90_000 });
    await page.getByRole('link', { name: 'Result' }).click();
    await page.getByRole('region', { name: 'report.md' }).getByRole('heading', { level: 2 }).first().waitFor();
    await page.getByRole('link', { name: 'Graph' }).click();
    await page.locator('.react-flow__node').nth(5).waitFor();
    await page.getByRole('link', { name: 'Run again' }).click();
    await page.getByText(/Filled with the input of a run that began/).waitFor();
    await page.getByRole('button', { name: 'Start the run' }).waitFor();
    expect(visitor.complaints).toEqual([]);
  });

  test('a step shows its attempts, input, output and log, and has an address', async () => {
    await using visitor = await signedIn();
    await visitor.visit(`/runs/${run}?step=${encodeURIComponent('analyse[0]')}`, 'repository-report');
    const panel = visitor.page.getByRole('complementary').filter({ hasText: 'Attempts' });
    for (const part of ['Attempts', 'Input', 'Output']) await panel.getByRole('heading', { name: part }).waitFor();
    await visitor.page
      .getByRole('log')
      .getByText(/succeeded/)
      .first()
      .waitFor();
  });

  test('is cancelled only after the question what that disturbs', async () => {
    const client = await stack.client();
    const waiting = await client.agents.invoke(
      'hostile',
      { skill: 'harm', input: {} },
      { idempotencyKey: 'to-be-cancelled', timeoutMs: 60_000 },
    );
    await using visitor = await signedIn();
    const { page } = visitor;
    await visitor.visit(`/runs/${waiting.id}`, 'agent/hostile');
    await page.getByRole('button', { name: 'Cancel run' }).click();
    const asking = page.getByRole('alertdialog', { name: 'Cancel this run of agent/hostile?' });
    await asking.getByRole('button', { name: 'Let it go on' }).click();
    expect(await client.runs.get(waiting.id)).not.toMatchObject({ status: 'cancelled' });
    await page.getByRole('button', { name: 'Cancel run' }).click();
    await asking.getByRole('button', { name: 'Cancel run' }).click();
    await page.getByText('Cancelled', { exact: true }).first().waitFor();
    expect(await client.runs.get(waiting.id)).toMatchObject({ status: 'cancelled' });
  }, 120_000);
});

describe('an approval', () => {
  test('appears in the list as it is asked, is filled in and approved, and its run goes on', async () => {
    await using visitor = await signedIn();
    const { page } = visitor;
    await visitor.visit('/approvals?q=v1', 'Approvals');
    const { id } = await asked('v1');
    await page.getByRole('link', { name: 'Release v1?' }).click();
    await page.getByRole('heading', { name: 'Go live', level: 1 }).waitFor();
    await page.getByText('<script>window.injected=true</script>').first().waitFor();
    await page.getByText(/min \d+ s left|59 min left/).waitFor();
    await page.getByLabel('Percent').fill('200');
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.getByRole('alert').first().waitFor();
    await page.getByLabel('Percent').fill('10');
    await page.getByLabel('Comment').fill('slowly');
    await page.getByRole('button', { name: 'Approve' }).click();
    await page
      .getByText(/^Approved by/)
      .first()
      .waitFor();
    expect(await page.getByRole('button', { name: 'Approve' }).count()).toBe(0);
    await page.getByRole('link', { name: 'release, step ask' }).click();
    await page.getByText('Succeeded', { exact: true }).first().waitFor();
    expect(await (await stack.client()).runs.get(id)).toMatchObject({
      output: { ask: { approved: true, data: { percent: 10 }, comment: 'slowly' } },
    });
    expect(await page.evaluate('window.injected')).toBeUndefined();
    expect(visitor.complaints).toEqual([]);
  });

  test('is reached from its run, and rejected only after the question what that does', async () => {
    await using visitor = await signedIn();
    const { page } = visitor;
    const { id } = await asked('v2');
    await visitor.visit(`/runs/${id}`, 'release');
    await page.getByText('Waits for an approval').getByRole('link', { name: 'Go live' }).click();
    await page.getByRole('button', { name: 'Reject' }).click();
    const asking = page.getByRole('alertdialog', { name: 'Reject Go live of release?' });
    await asking.getByText('Its run fails at this step.').waitFor();
    await asking.getByRole('button', { name: 'Not now' }).click();
    expect(await (await stack.client()).runs.get(id)).toMatchObject({ status: 'waiting' });
    await page.getByRole('button', { name: 'Reject' }).click();
    await asking.getByRole('button', { name: 'Reject' }).click();
    await page
      .getByText(/^Rejected by/)
      .first()
      .waitFor();
    expect(await (await stack.client()).runs.get(id)).toMatchObject({ status: 'failed', reason: 'rejected' });
  });

  test('is seen by a viewer, who may not answer it and is told why', async () => {
    const client = await stack.client();
    const viewer = await client.principals.create({ kind: 'user', name: 'eve', roles: ['viewer'] });
    const { key: viewers } = await client.keys.create({ name: 'eve', principal: viewer.id });
    await using visitor = await Visitor.open(browser, stack.url);
    await visitor.signIn(viewers);
    await visitor.visit(`/approvals/${approval}`, 'Go live');
    await visitor.page.getByText('You may not answer this: it needs the permission approvals:answer.').waitFor();
    expect(await visitor.page.getByRole('button', { name: /Approve|Reject/ }).count()).toBe(0);
    await visitor.barriers().then((found) => expect(found).toEqual([]));
  });
});

test('a tool is called by the form of its schema', async () => {
  await using visitor = await signedIn();
  const { page } = visitor;
  await visitor.visit('/tools/filesystem/list_allowed_directories', 'list_allowed_directories');
  await page.getByRole('button', { name: 'Call list_allowed_directories' }).click();
  await page
    .getByRole('region', { name: 'Answer' })
    .getByText(/packages/)
    .first()
    .waitFor();
});

test('Ctrl K finds an agent and opens it, by keyboard alone', async () => {
  await using visitor = await signedIn();
  const { page } = visitor;
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Find or do anything' }).waitFor();
  await page
    .getByRole('option', { name: /analyst/ })
    .first()
    .waitFor();
  await page.keyboard.type('analyst');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'analyst', level: 1 }).waitFor();
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('combobox').waitFor({ state: 'detached' });
});

test('A19 markup in what agents say of themselves is shown as text', async () => {
  await using visitor = await signedIn();
  await visitor.visit('/agents/hostile', 'hostile');
  await visitor.page.getByText('<script>window.injected=true</script>').first().waitFor();
  await visitor.visit('/agents', 'Agents');
  await visitor.page.getByText('<img src=x').first().waitFor();
  expect(await visitor.page.evaluate('window.injected')).toBeUndefined();
});

test('a version is promoted on its evidence, by its page, where what is missing stands beside its target', async () => {
  const client = await stack.client();
  await client.evidence.add({ agent: 'hostile', format: 'junit', content: '<testsuite><testcase name="a"/></testsuite>' });
  await using visitor = await signedIn();
  const { page } = visitor;
  await visitor.visit('/agents/hostile?view=stages', 'hostile');
  const stage = (name: string): ReturnType<typeof page.getByRole> => page.getByRole('region', { name, exact: true });
  await stage('Integration').getByText('May get there').waitFor();
  await stage('Staging').getByText('No evidence').waitFor();
  // It comes while somebody looks.
  const content = JSON.stringify({ source: 'load', metrics: { 'performance.errorRate': 0.02 }, findings: [hostile] });
  await client.evidence.add({ agent: 'hostile', format: 'json', content });
  await stage('Evidence').getByText('performance.errorRate 0.02').waitFor();
  await stage('Evidence').getByLabel('Format').selectOption('junit');
  await stage('Evidence').getByText('performance.errorRate 0.02').waitFor({ state: 'detached' });

  await stage('Integration').getByRole('button', { name: 'Promote' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Promote' }).click();
  await stage('Integration').getByText('Is there', { exact: true }).waitFor();
  await stage('History').getByText('Version 1 promoted to integration').waitFor();
  await visitor.visit('/agents', 'Agents');
  await page.getByTitle('The stage of its current version').first().waitFor();
  expect(visitor.complaints).toEqual([]);
});

test('when no news arrive the page says so, and when they are back it is current again', async () => {
  await using visitor = await signedIn();
  const { page } = visitor;
  await stack.kill('api-gateway', 'SIGSTOP');
  try {
    await page.getByText(/No news for \d+ s, trying again/).waitFor();
  } finally {
    await stack.kill('api-gateway', 'SIGCONT').catch(() => undefined); // the launcher may have replaced it
  }
  await page.getByText(/No news for/).waitFor({ state: 'detached', timeout: 60_000 });
}, 120_000);

test('a page whose code does not arrive says so, and the rest stays usable', async () => {
  await using visitor = await signedIn();
  const { page } = visitor;
  await page.route(/services-page-.*\.js$/, (route) => route.abort());
  await page.getByRole('link', { name: 'Services', exact: true }).click();
  await page.getByRole('heading', { name: 'This page broke', level: 1 }).waitFor();
  await page.getByRole('link', { name: 'Runs', exact: true }).click();
  await page.getByRole('heading', { name: 'Runs', level: 1 }).waitFor();
});

/** CI tries each width and each colour once; without `CI` all four are tried. */
const tried = Object.entries(looks).filter(([name]) => !process.env['CI'] || name === 'desktop, light' || name === 'phone, dark');

describe.each(tried)('at %s', (_, look) => {
  test('every page is without barriers, no wider than the window, and complains of nothing', async () => {
    await using visitor = await Visitor.open(browser, stack.url, look);
    await visitor.signIn(key);
    const found: string[] = [];
    for (const [path, heading] of [
      ['/', 'Board'],
      ['/deployments/nine-agents?agent=workflow-execution', 'nine-agents'],
      ['/deployments/nine-agents?view=timeline', 'nine-agents'],
      ['/deployments/nine-agents?view=manifest', 'nine-agents'],
      ['/runs', 'Runs'],
      ['/failures', 'Failures'],
      [`/runs/${run}?step=plan`, 'repository-report'],
      [`/runs/${run}?view=graph`, 'repository-report'],
      [`/runs/${run}?view=events`, 'repository-report'],
      [`/runs/${run}?view=result`, 'repository-report'],
      ['/approvals', 'Approvals'],
      ['/approvals?view=all', 'Approvals'],
      [`/approvals/${approval}`, 'Go live'],
      ['/incidents', 'Incidents'],
      ['/notifications', 'Notifications'],
      ['/notifications?view=channels', 'Notifications'],
      ['/notifications?view=rules', 'Notifications'],
      ['/agents', 'Agents'],
      ['/agents/analyst', 'analyst'],
      ['/agents/analyst?view=instances', 'analyst'],
      ['/agents/analyst?view=versions', 'analyst'],
      ['/agents/hostile?view=stages', 'hostile'],
      ['/workflows', 'Workflows'],
      ['/workflows/repository-report', 'repository-report'],
      ['/workflows/repository-report?view=definition', 'repository-report'],
      ['/workflows/repository-report?view=start', 'repository-report'],
      ['/schedules', 'Schedules'],
      ['/schedules?view=triggers', 'Schedules'],
      ['/limits', 'Limits'],
      ['/usage', 'Usage'],
      ['/kpis', 'KPIs'],
      ['/kpis?window=30d&kpi=latency', 'KPIs'],
      ['/gates', 'Gates'],
      ['/gates?agent=analyst', 'Gates'],
      ['/agents/analyst?view=kpis', 'analyst'],
      ['/budgets', 'Budgets'],
      ['/mcp-servers', 'MCP servers'],
      ['/mcp-servers/filesystem', 'filesystem'],
      ['/tools', 'Tools'],
      ['/tools/memory/create_entities', 'create_entities'],
      ['/keys', 'Keys'],
      ['/secrets', 'Secrets'],
      ['/services', 'Services'],
      ['/nowhere', 'No such page'],
    ] as const) {
      await visitor.visit(path, heading);
      for (const barrier of await visitor.barriers(look.colours === 'dark' ? 'colours' : 'everything')) found.push(`${path}: ${barrier}`);
      const tooWide = await visitor.tooWide();
      if (tooWide > 1) found.push(`${path}: ${tooWide} pixels too wide`);
    }
    expect(found).toEqual([]);
    expect(visitor.complaints).toEqual([]);
  }, 240_000);
});
