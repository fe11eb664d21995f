import { afterAll, beforeAll, expect } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { describeInBrowser, launchChromium, Visitor } from './browser.ts';
import { TestPlatform } from './harness.ts';

interface Person {
  readonly email: string;
  readonly password: string;
}

/** A platform with the demo tenants, and a browser to visit it with. */
export interface DemoSite {
  readonly platform: TestPlatform;
  /** The address of a path of the platform. */
  url(path?: string): string;
  /** Opens a path in a browser without cookies. */
  visit(path?: string): Promise<Visitor>;
  /** The path of a page with the operator's token, as `status` prints it. */
  operatorPath(page: 'startPage' | 'mailbox'): Promise<string>;
  /** The user `admin`, or the administrator of the demo tenant of this name. */
  person(name: string): Person;
}

/** A suite in a real browser, with a demo site of its own. */
export function describeDemoSite(title: string, define: (site: DemoSite) => void): void {
  describeInBrowser(title, () => {
    const platform = new TestPlatform({ args: [] });
    let browser: Browser;
    let people: Record<string, Person>;

    beforeAll(async () => {
      browser = await launchChromium();
      const { admin } = await platform.start();
      const demo = await platform.cliJson<(Person & { name: string })[]>('demo');
      people = Object.fromEntries(demo.map((one) => [one.name, one]));
      people.admin = { email: admin.email, password: admin.password ?? '' };
    }, 90_000);
    afterAll(async () => {
      await browser?.close();
      await platform.dispose();
    }, 60_000);

    const url = (path = '/') => new URL(path, platform.urls.publicUrl).href;
    define({
      platform,
      url,
      visit: (path) => Visitor.open(browser, url(path)),
      operatorPath: async (name) => {
        const link = (await platform.cliJson<Record<string, string>>('status'))[name] ?? '';
        return link.slice(platform.urls.publicUrl.length);
      },
      person: (name) => {
        const found = people[name];
        if (!found) throw new Error(`person ${name} not found`);
        return found;
      },
    });
  });
}

export async function seeHeading(page: Page, name: string): Promise<void> {
  await page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
}

export async function signIn(page: Page, userName: string, password: string): Promise<void> {
  await page.getByLabel('Email or user name').fill(userName);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

export async function choosePassword(page: Page, password: string, repeated: string): Promise<void> {
  await page.getByLabel('New password', { exact: true }).fill(password);
  await page.getByLabel('Repeat new password').fill(repeated);
  await page.getByRole('button', { name: 'Save and sign in' }).click();
}

/** Presses Tab until the named element has a visible focus. */
export async function tabTo(visitor: Visitor, name: string): Promise<void> {
  for (let presses = 0; presses < 20; presses++) {
    await visitor.page.keyboard.press('Tab');
    if ((await visitor.focused()) === name) {
      const outline = await visitor.page.evaluate('getComputedStyle(document.activeElement).outlineStyle');
      expect(outline).toBe('solid');
      return;
    }
  }
  throw new Error(`Tab does not reach '${name}'`);
}
