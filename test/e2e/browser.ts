import { existsSync } from 'node:fs';
import { AxeBuilder } from '@axe-core/playwright';
import { expect } from '@jest/globals';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { describeUnless } from '../support/requirements.ts';

const CHROMIUM = '/usr/bin/chromium';
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Every page comes from the platform, so one process renders all; more of them cost a fifth more processor time.
  '--renderer-process-limit=1',
];
const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };

/** A suite in a real browser. */
export function describeInBrowser(title: string, suite: () => void): void {
  const missing = existsSync(CHROMIUM) ? undefined : `there is no ${CHROMIUM}; apt-get install chromium`;
  describeUnless(missing, title, suite);
}

export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: ARGS });
}

/** A browser context without cookies, with one page and the errors and warnings that the browser reports. */
export class Visitor implements AsyncDisposable {
  readonly page: Page;
  readonly #context: BrowserContext;
  readonly #reports: string[] = [];
  readonly #requested = new Set<string>();

  private constructor(context: BrowserContext, page: Page) {
    this.#context = context;
    this.page = page;
    page.on('pageerror', (error) => this.#reports.push(error.message));
    page.on('request', (request) => {
      if (request.isNavigationRequest() || request.resourceType() === 'fetch') this.#requested.add(request.url());
    });
    page.on('console', (message) => {
      // The browser also reports a page that is a 401, and a 422 response that a script shows, as failed resources.
      const isRefusal =
        /^Failed to load resource.* 4\d\d /.test(message.text()) && this.#requested.has(message.location().url);
      if (['error', 'warning'].includes(message.type()) && !isRefusal) this.#reports.push(message.text());
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
   * Checks the current page: axe finds nothing in light and dark mode, nothing is wider than a desktop or a phone, it has
   * a language, a title and one first heading, and the browser has reported nothing.
   */
  async expectFitPage(title: RegExp): Promise<void> {
    const { page } = this;
    for (const [viewport, colorScheme] of [[PHONE, 'dark'] as const, [DESKTOP, 'light'] as const]) {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme });
      // Legacy mode does not look into frames of other origins, which no page has. It needs no second page for its result.
      const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
      expect(violations.map(({ id, nodes }) => [id, nodes.map(({ target }) => target.join(' '))])).toEqual([]);
      const width = await page.evaluate<number>('document.documentElement.scrollWidth');
      expect(width).toBeLessThanOrEqual(viewport.width);
    }
    expect(await page.title()).toMatch(title);
    expect(await page.evaluate('document.documentElement.lang')).toBe('en');
    expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1);
    this.expectNoReport();
  }

  /** The browser has reported no script error, no violation of the Content-Security-Policy and no missing file. */
  expectNoReport(): void {
    expect(this.#reports).toEqual([]);
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
