import { existsSync } from 'node:fs';
import { AxeBuilder } from '@axe-core/playwright';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
];

/** The system's Chromium, or the one that `CHROMIUM` names. */
export function startBrowser(): Promise<Browser> {
  const executablePath = process.env['CHROMIUM'] ?? places.find((place) => existsSync(place));
  if (executablePath === undefined) throw new Error('no Chromium is installed: apt-get install chromium, or set CHROMIUM to its path');
  return chromium.launch({ executablePath, headless: true, args: flags });
}

export interface Look {
  width: number;
  height: number;
  colours: 'light' | 'dark';
}

export const desktop: Look = { width: 1440, height: 900, colours: 'light' };
export const looks: Record<string, Look> = {
  'desktop, light': desktop,
  'desktop, dark': { ...desktop, colours: 'dark' },
  'phone, light': { width: 390, height: 844, colours: 'light' },
  'phone, dark': { width: 390, height: 844, colours: 'dark' },
};

/** A person before the dashboard: a browser profile of its own, and everything that went wrong in it. */
export class Visitor implements AsyncDisposable {
  /** Errors on the console, exceptions, refusals by the content security policy, answers of 5xx. */
  readonly complaints: string[] = [];

  private constructor(
    readonly context: BrowserContext,
    readonly page: Page,
    readonly url: string,
  ) {}

  static async open(browser: Browser, url: string, { width, height, colours }: Look = desktop): Promise<Visitor> {
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme: colours,
      reducedMotion: 'reduce',
      hasTouch: width < 760,
    });
    const page = await context.newPage();
    const visitor = new Visitor(context, page, url);
    page.setDefaultTimeout(30_000);
    // That nobody is signed in yet is asked by a request that is refused; Chromium notes it.
    page.on('console', (message) => {
      if (message.type() === 'error' && !/status of 401/.test(message.text())) visitor.complaints.push(`console: ${message.text()}`);
    });
    page.on('pageerror', ({ message }) => visitor.complaints.push(`exception: ${message}`));
    page.on('response', (response) => {
      if (response.status() >= 500) visitor.complaints.push(`${response.status()} ${response.url()}`);
    });
    return visitor;
  }

  async signIn(key: string): Promise<void> {
    await this.page.goto(this.url);
    await this.page.getByLabel('API key').fill(key);
    await this.page.getByRole('button', { name: 'Sign in' }).click();
    await this.page.getByRole('heading', { name: 'Board', level: 1 }).waitFor();
  }

  /** Opens an address and waits until its page stands: its name is there and nothing is loading. */
  async visit(path: string, heading: string | RegExp): Promise<void> {
    await this.page.goto(this.url + path);
    await this.page.getByRole('heading', { name: heading, level: 1 }).waitFor();
    await this.page
      .getByRole('status', { name: /^(?:Loading|Laying out the graph)$/ })
      .first()
      .waitFor({ state: 'detached' });
  }

  /** What axe finds, in words. `colours`: only what another colour scheme can change; `dialogue`: in the one that is open, which hides all else. */
  async barriers(of: 'everything' | 'colours' | 'dialogue' = 'everything'): Promise<string[]> {
    const axe = new AxeBuilder({ page: this.page }).setLegacyMode(true); // no page has frames, and it takes half the time
    if (of === 'dialogue') axe.include('[role="dialog"]');
    if (of === 'colours') axe.withRules(['color-contrast', 'link-in-text-block']);
    const { violations } = await axe.analyze();
    return violations.map(({ id, impact, nodes }) => `${id} (${impact}) at ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
  }

  /** By how many pixels the page is wider than the window. */
  async tooWide(): Promise<number> {
    return this.page.evaluate('Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth)');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.context.close();
  }
}
