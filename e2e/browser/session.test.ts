import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { StackUnderTest } from '../stack-under-test.ts';
import { startBrowser, Visitor } from './browser.ts';

let stack: StackUnderTest;
let browser: Browser;
let key: string;

beforeAll(async () => {
  stack = await StackUnderTest.create();
  browser = await startBrowser();
  await stack.start('--no-example');
  key = await stack.adminKey();
});
afterAll(async () => {
  await browser?.close();
  await stack?.[Symbol.asyncDispose]();
});

/** What a first view may weigh, compressed, fonts included. */
const firstViewMaxBytes = 300 * 1024;

test('a wrong key is refused in words, and the field keeps the focus on what to do', async () => {
  await using visitor = await Visitor.open(browser, stack.url);
  const { page } = visitor;
  await page.goto(stack.url);
  await page.getByLabel('API key').fill('sbx_this_is_not_a_key_of_here');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').getByText('This key is not known here').waitFor();
  expect(await page.getByLabel('API key').getAttribute('aria-invalid')).toBe('true');
  expect(await visitor.barriers()).toEqual([]);
});

test('A28 after signing in the key is in no storage, no cookie and no address', async () => {
  await using visitor = await Visitor.open(browser, stack.url);
  await visitor.signIn(key);
  const { page, context } = visitor;
  const stored = await page.evaluate<string>(
    'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href])',
  );
  expect(stored).not.toContain('sbx_');
  const [cookie, ...others] = await context.cookies();
  expect(others).toEqual([]);
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Lax', path: '/' });
  expect(cookie!.value).not.toContain(key);
  expect(visitor.complaints).toEqual([]);
});

test('A27 signing out ends the session: the old cookie opens nothing', async () => {
  await using visitor = await Visitor.open(browser, stack.url);
  await visitor.signIn(key);
  const { page, context } = visitor;
  const [cookie] = await context.cookies();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('API key').waitFor();
  const response = await fetch(`${stack.url}/api/v1/whoami`, { headers: { cookie: `${cookie!.name}=${cookie!.value}` } });
  expect(response.status).toBe(401);
});

test('A27 a session that ended elsewhere leads back to the sign-in', async () => {
  await using visitor = await Visitor.open(browser, stack.url);
  await visitor.signIn(key);
  await visitor.context.clearCookies();
  const signIn = visitor.page.getByLabel('API key').waitFor();
  // The page may notice by itself, and the link be gone.
  await Promise.race([signIn, visitor.page.getByRole('link', { name: 'Runs', exact: true }).click()]);
  await signIn;
});

test('A26 the dashboard cannot be framed, and runs no script that is injected', async () => {
  await using visitor = await Visitor.open(browser, stack.url);
  await visitor.signIn(key);
  const { page } = visitor;
  const policy = (await fetch(stack.url)).headers.get('content-security-policy') ?? '';
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toMatch(/unsafe-inline|unsafe-eval/);
  await page.evaluate(`{
    const script = document.createElement('script');
    script.textContent = 'window.injected = true';
    document.body.append(script);
    document.body.insertAdjacentHTML('beforeend', '<img src="x" onerror="window.injected = true">');
  }`);
  await page.waitForTimeout(300);
  expect(await page.evaluate('window.injected')).toBeUndefined();
});

test('the first view weighs less than 300 KB compressed, and comes from our own origin alone', async () => {
  await using visitor = await Visitor.open(browser, stack.url);
  const loaded: { url: string; bytes: Promise<number> }[] = [];
  visitor.page.on('response', (response) => {
    const { pathname, origin } = new URL(response.url());
    if (pathname.startsWith('/api/')) return;
    const bytes = response.body().then((body) => (pathname.endsWith('.woff2') ? body.length : gzipSync(body).length));
    loaded.push({ url: origin + pathname, bytes });
  });
  await visitor.signIn(key);
  await visitor.page.waitForLoadState('load');
  expect(loaded.filter(({ url }) => !url.startsWith(stack.url))).toEqual([]);
  const sizes = await Promise.all(loaded.map(({ bytes }) => bytes));
  expect(sizes.length).toBeGreaterThan(3);
  expect(sizes.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(firstViewMaxBytes);
});

test('an installation that is still empty says what each page is for, and what fills it', async () => {
  await using visitor = await Visitor.open(browser, stack.url);
  await visitor.signIn(key);
  for (const [path, heading, sentence] of [
    ['/', 'Board', 'No deployments yet.'],
    ['/runs', 'Runs', 'No runs yet.'],
    ['/agents', 'Agents', 'No agents yet.'],
    ['/workflows', 'Workflows', 'No workflows yet.'],
    ['/mcp-servers', 'MCP servers', 'No MCP servers yet.'],
    ['/tools', 'Tools', 'No tools yet.'],
  ] as const) {
    await visitor.visit(path, heading);
    await visitor.page.getByText(sentence).first().waitFor();
    expect(await visitor.barriers()).toEqual([]);
  }
  expect(visitor.complaints).toEqual([]);
});

test('a secret is set, set anew and removed, and its value is on no page', async () => {
  await using visitor = await Visitor.open(browser, stack.url);
  await visitor.signIn(key);
  const { page } = visitor;
  await visitor.visit('/secrets', 'Secrets');
  await page.getByText('npx signalbox secrets set github-token').waitFor();
  await page.getByRole('button', { name: 'Set secret' }).click();
  const asking = page.getByRole('dialog', { name: 'Set a secret' });
  await asking.getByRole('textbox', { name: 'Name' }).fill('forge-token');
  await asking.getByLabel('Value').fill('short');
  await asking.getByText('A value has 8 characters or more.').waitFor();
  expect(await visitor.barriers()).toEqual([]);
  await asking.getByLabel('Value').fill('canary-of-the-forge');
  await asking.getByRole('textbox', { name: 'What it is for' }).fill('reads the forge');
  await asking.getByRole('button', { name: 'Set secret' }).click();
  const row = page.getByRole('row', { name: /forge-token.*reads the forge/ });
  await row.waitFor();
  await row.getByRole('button', { name: 'New value' }).click();
  const again = page.getByRole('dialog', { name: 'Set forge-token anew' });
  await again.getByLabel('Value').fill('canary-of-the-forge-2');
  await again.getByRole('button', { name: 'Set secret' }).click();
  await page.getByText('The secret forge-token is set, version 2.').waitFor();
  expect(await page.content()).not.toContain('canary');
  await row.getByRole('button', { name: 'Remove' }).click();
  await page.getByRole('alertdialog', { name: 'Remove the secret forge-token?' }).getByRole('button', { name: 'Remove' }).click();
  await page.getByText('No secrets yet.').waitFor();
  expect(visitor.complaints).toEqual([]);
});

test('a key is shown once when it is made, can sign in with its rights alone, and ends when it is revoked', async () => {
  await using visitor = await Visitor.open(browser, stack.url);
  await visitor.signIn(key);
  const { page } = visitor;
  await visitor.visit('/keys', 'Keys');
  await page.getByRole('button', { name: 'Create key' }).click();
  const asking = page.getByRole('dialog', { name: 'Create a key' });
  await asking.getByRole('textbox', { name: 'Name' }).fill('only-reads');
  await asking.getByLabel('Speaks for').selectOption({ label: 'a new service account of the key’s name' });
  await asking.getByRole('button', { name: 'Create key' }).click();
  const shown = page.getByRole('dialog', { name: 'The key only-reads is ready' });
  const made = (await shown.locator('code').first().textContent()) ?? '';
  expect(made).toMatch(/^sbx_/);
  await shown.getByRole('button', { name: 'I have copied it' }).click();
  await page.getByRole('row', { name: /only-reads/ }).waitFor();
  expect(await page.content()).not.toContain(made);

  await using reader = await Visitor.open(browser, stack.url);
  await reader.signIn(made);
  expect(await reader.page.getByRole('link', { name: 'Keys' }).count()).toBe(0);

  await page
    .getByRole('row', { name: /only-reads/ })
    .getByRole('button', { name: 'Revoke' })
    .click();
  const confirming = page.getByRole('alertdialog', { name: 'Revoke the key only-reads?' });
  await confirming.getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('row', { name: /only-reads.*Revoked/ }).waitFor();
  // Its open page is told by its stream, or at its next request.
  await reader.page.getByRole('link', { name: 'Runs', exact: true }).click();
  await reader.page.getByLabel('API key').waitFor();
  expect(visitor.complaints).toEqual([]);
});
