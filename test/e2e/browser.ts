import { existsSync } from 'node:fs';
import { AxeBuilder } from '@axe-core/playwright';
import { describe, expect } from '@jest/globals';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

const CHROMIUM = '/usr/bin/chromium';
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };

/** A suite in a real browser. Without Chromium it says so and is skipped; in CI (`CI=true`) it fails instead. */
export function describeInBrowser(title: string, suite: () => void): void {
  if (existsSync(CHROMIUM) || process.env.CI === 'true') {
    describe(title, suite);
    return;
  }
  const reason = `there is no ${CHROMIUM}; apt-get install chromium`;
  process.stderr.write(`skipped: ${title}: ${reason}\n`);
  describe.skip(`${title} (${reason})`, suite);
}

export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: ARGS });
}

/** Somebody with a browser of their own: no cookies, a page, and an eye on what the browser complains about. */
export class Visitor implements AsyncDisposable {
  readonly page: Page;
  readonly #context: BrowserContext;
  readonly #complaints: string[] = [];
  readonly #asked = new Set<string>();

  private constructor(context: BrowserContext, page: Page) {
    this.#context = context;
    this.page = page;
    page.on('pageerror', (error) => this.#complaints.push(error.message));
    page.on('request', (request) => {
      if (request.isNavigationRequest() || request.resourceType() === 'fetch') this.#asked.add(request.url());
    });
    page.on('console', (message) => {
      // A page that is itself a 401, and an answer of 422 that a script shows, are told of as failed resources, too.
      const isRefusal =
        /^Failed to load resource.* 4\d\d /.test(message.text()) && this.#asked.has(message.location().url);
      if (['error', 'warning'].includes(message.type()) && !isRefusal) this.#complaints.push(message.text());
    });
  }

  static async open(browser: Browser, url: string): Promise<Visitor> {
    const context = await browser.newContext({ viewport: DESKTOP, colorScheme: 'light', reducedMotion: 'reduce' });
    context.setDefaultTimeout(15_000);
    const visitor = new Visitor(context, await context.newPage());
    await visitor.page.goto(url);
    return visitor;
  }

  /**
   * Whether the page that is open is fit for everyone: axe finds nothing in light and dark, nothing is wider than a
   * desktop or a phone, it has a language, a title and one first heading, and the browser had nothing to complain about.
   */
  async expectFitPage(title: RegExp): Promise<void> {
    const { page } = this;
    for (const [viewport, colorScheme] of [[PHONE, 'dark'] as const, [DESKTOP, 'light'] as const]) {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme });
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations.map(({ id, nodes }) => [id, nodes.map(({ target }) => target.join(' '))])).toEqual([]);
      const width = await page.evaluate<number>('document.documentElement.scrollWidth');
      expect(width).toBeLessThanOrEqual(viewport.width);
    }
    expect(await page.title()).toMatch(title);
    expect(await page.evaluate('document.documentElement.lang')).toBe('en');
    expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1);
    this.expectNoComplaint();
  }

  /** The browser found no script error, no refusal by the Content-Security-Policy, no missing file. */
  expectNoComplaint(): void {
    expect(this.#complaints).toEqual([]);
  }

  /** The accessible name of what has the focus: its label, or its text. */
  focused(): Promise<string> {
    return this.page.evaluate<string>(
      '(document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim()',
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context.close();
  }
}
