import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { describeInBrowser, launchChromium, Visitor } from './browser.ts';
import { PASSWORD, TestPlatform } from './harness.ts';

interface Person {
  readonly email: string;
  readonly password: string;
}

const TITLE = {
  start: /^What runs here · Tierplane$/,
  signIn: /^Sign in · Tierplane$/,
  wrong: /^Error: Sign in · Tierplane$/,
  account: /^Signed in · Tierplane$/,
  signOut: /^Sign out · Tierplane$/,
  signedOut: /^Signed out · Tierplane$/,
  change: /^Choose your password · Tierplane$/,
  refused: /^Error: Choose your password · Tierplane$/,
};

describeInBrowser('UI-3: in a real browser', () => {
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

  const front = (path = '/') => new URL(path, platform.urls.publicUrl).href;
  const person = (name: string): Person => {
    const found = people[name];
    if (!found) throw new Error(`there is no ${name}`);
    return found;
  };

  describe('the start page', () => {
    test('DX-1: shows what runs, for which tenants, and what to try', async () => {
      await using visitor = await Visitor.open(browser, front());
      const { page } = visitor;
      for (const [name, tier] of Object.entries({ acme: 'Basic', globex: 'Advanced', initech: 'Premium' })) {
        const tile = page.getByRole('listitem').filter({ hasText: `admin@${name}.example` });
        expect(await tile.getByText(tier, { exact: true }).isVisible()).toBe(true);
        expect(await tile.getByText('active', { exact: true }).isVisible()).toBe(true);
      }
      const rows = page.getByRole('region', { name: 'Services by tenant' }).getByRole('row');
      const texts = (await rows.allInnerTexts()).slice(1).map((text) => text.replace(/\s+/g, ' '));
      const tasks = 'orders 1 of 1 products 1 of 1 users 1 of 1';
      expect(texts).toEqual([`all pooled tenants pool ${tasks}`, `globex shared ${tasks}`, `initech its own ${tasks}`]);
      expect(await page.getByText(`npx tierplane --data-dir ${platform.dataDir} tenants list`).isVisible()).toBe(true);
      await visitor.expectFitPage(TITLE.start);
    });

    test('has no broken link', async () => {
      await using visitor = await Visitor.open(browser, front());
      const links = await visitor.page.getByRole('link').all();
      const targets = await Promise.all(links.map((link) => link.getAttribute('href')));
      expect(new Set(targets).size).toBeGreaterThanOrEqual(7);
      for (const target of new Set(targets.map(String))) {
        expect([target, (await visitor.page.request.get(front(target))).status()]).toEqual([target, 200]);
      }
    });
  });

  describe.each([
    ['an administrator', 'admin', 'Sign in as admin', 'SystemAdmin'],
    ['a user of the pooled realm', 'acme', 'Sign in to acme', 'TenantAdmin'],
    ['a user of an advanced tenant', 'globex', 'Sign in to globex', 'TenantAdmin'],
    ['a user of a premium tenant`s own realm', 'initech', 'Sign in to initech', 'TenantAdmin'],
  ])('ID-1: %s', (_who, name, link, role) => {
    test('signs in after a wrong password, sees the account, signs out and signs in again', async () => {
      const { email, password } = person(name);
      await using visitor = await Visitor.open(browser, front());
      const { page } = visitor;
      const look = (title: RegExp) => (name === 'admin' ? visitor.expectFitPage(title) : visitor.expectNoReport());
      await page.getByRole('link', { name: link }).click();
      await seeHeading(page, 'Sign in');
      expect(await visitor.focused()).toBe('Email or user name');
      await look(TITLE.signIn);

      await signIn(page, email, 'not the password');
      expect(await page.getByRole('alert').innerText()).toBe('User name or password is wrong.');
      expect(await page.getByLabel('Email or user name').inputValue()).toBe(email);
      expect(await visitor.focused()).toBe('Password');
      await look(TITLE.wrong);

      await signIn(page, email, password);
      await seeHeading(page, 'You are signed in');
      for (const fact of [email, role]) expect(await page.getByText(fact, { exact: true }).isVisible()).toBe(true);
      await look(TITLE.account);

      await page.getByRole('link', { name: 'Sign out' }).click();
      await seeHeading(page, 'Sign out?');
      await look(TITLE.signOut);
      await page.getByRole('button', { name: 'Stay signed in' }).click();
      await seeHeading(page, 'You are signed in');
      await page.getByRole('link', { name: 'Sign out' }).click();
      await page.getByRole('button', { name: 'Sign out' }).click();
      await seeHeading(page, 'You are signed out');
      await look(TITLE.signedOut);

      await page.getByRole('link', { name: 'Sign in again' }).click();
      await seeHeading(page, 'Sign in');
      await signIn(page, email, password);
      await seeHeading(page, 'You are signed in');
    }, 60_000);
  });

  test('ID-1: a sign-in works by keyboard and shows the focus', async () => {
    const { email, password } = person('admin');
    await using visitor = await Visitor.open(browser, front());
    const { page } = visitor;
    await tabTo(visitor, 'Sign in as admin');
    await page.keyboard.press('Enter');
    await seeHeading(page, 'Sign in');
    await page.keyboard.type(email);
    await tabTo(visitor, 'Password');
    await page.keyboard.type(password);
    await tabTo(visitor, 'Sign in');
    await page.keyboard.press('Enter');
    await seeHeading(page, 'You are signed in');
    await tabTo(visitor, 'Sign out');
    await page.keyboard.press('Enter');
    await seeHeading(page, 'Sign out?');
    expect(await visitor.focused()).toBe('Sign out');
    await page.keyboard.press('Enter');
    await seeHeading(page, 'You are signed out');
  }, 60_000);

  describe('the mailbox and its invitations', () => {
    test('an empty mailbox says what it will contain', async () => {
      await using visitor = await Visitor.open(browser, front('/mailbox'));
      expect(await visitor.page.getByText('No mail yet.').isVisible()).toBe(true);
      await visitor.expectFitPage(/^Mailbox · Tierplane$/);
    });

    test.each([
      ['a tenant', 'Wayne', 'to@wayne.example', 'aaaaaaaa'],
      ['a premium tenant', 'Stark Industries Worldwide Holding', 'tony.the.administrator@stark.example', 'aaaaaaaa'],
      ['a system user', 'Tierplane administration', 'second@tierplane.example', 'aaaaaaaaaaaa'],
    ])(
      'ID-1: %s is invited, chooses a password that keeps the rules, and is in',
      async (who, name, email, weak) => {
        if (who === 'a system user') {
          const user = { userName: email, email, userRole: 'SystemAdmin' };
          expect((await platform.admin('POST', '/users', user)).status).toBe(201);
        } else {
          const tier = who === 'a tenant' ? 'basic' : 'premium';
          await platform.cliJson('tenants', 'create', '--name', name, '--email', email, '--tier', tier, '--wait');
        }

        await using visitor = await Visitor.open(browser, front());
        const { page } = visitor;
        const look = (title: RegExp) =>
          who === 'a premium tenant' ? visitor.expectFitPage(title) : visitor.expectNoReport();
        await page.getByRole('link', { name: 'Mailbox' }).click();
        await seeHeading(page, 'Mailbox');
        await look(/^Mailbox · Tierplane$/);
        await page.getByRole('row').filter({ hasText: email }).getByRole('link').click();
        await seeHeading(page, `Your invitation to ${name}`);
        await look(/^Your invitation to /);
        const letter = await page.getByRole('article').innerText();
        const temporary = /Temporary password: (\S+)/.exec(letter)?.[1] ?? '';

        await page
          .getByRole('link', { name: /\/realms\// })
          .first()
          .click();
        await seeHeading(page, 'Sign in');
        expect(await page.getByLabel('Email or user name').inputValue()).toBe(email);
        expect(await visitor.focused()).toBe('Password');
        await signIn(page, email, temporary);
        await seeHeading(page, 'Choose your password');
        expect(await visitor.focused()).toBe('New password');
        await look(TITLE.change);

        await choosePassword(page, weak, weak);
        const broken = await page.getByRole('alert').getByRole('listitem').allInnerTexts();
        expect(broken.map((text) => text.replace(/^.*contain an? |\.$/g, ''))).toEqual([
          'uppercase letter',
          'digit',
          'symbol',
        ]);
        expect(await visitor.focused()).toBe('New password');
        await look(TITLE.refused);
        await choosePassword(page, PASSWORD, `${PASSWORD}8`);
        expect(await page.getByRole('alert').innerText()).toBe('The two passwords must be equal.');
        await choosePassword(page, PASSWORD, PASSWORD);
        await seeHeading(page, 'You are signed in');
        expect(await page.getByText(email, { exact: true }).isVisible()).toBe(true);

        await using stranger = await Visitor.open(browser, page.url());
        await signIn(stranger.page, email, temporary);
        expect(await stranger.page.getByRole('alert').innerText()).toBe('User name or password is wrong.');
      },
      90_000,
    );
  });

  describe('the API docs of the control plane', () => {
    test('DX-4: list every operation and send real requests', async () => {
      const token = await platform.adminToken();
      await using visitor = await Visitor.open(browser, front());
      const { page } = visitor;
      await page.getByRole('link', { name: 'API docs' }).click();
      await seeHeading(page, 'Tierplane control plane');
      await visitor.expectFitPage(/^API docs · Tierplane$/);

      const answer = await page.request.get(platform.urls.openapi);
      const { paths } = (await answer.json()) as { paths: Record<string, object> };
      const described = Object.entries(paths).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
      );
      const listed = await page.locator('summary:has(.method) code').allInnerTexts();
      expect(listed.map((text) => text.replace(/\s+/g, ' ')).sort()).toEqual(described.sort());

      const list = operation(page, 'List tenants in order of name');
      await list.getByText('List tenants').click();
      await list.getByRole('button', { name: 'Send' }).click();
      await list.getByText('401 in').waitFor();
      await page.getByLabel('Access token').fill(token);
      await list.getByLabel('name', { exact: true }).fill('glo');
      await list.getByRole('button', { name: 'Send' }).click();
      await list.getByText('200 in').waitFor();
      expect(await list.getByRole('status').innerText()).toContain('"tenantName": "globex"');
      expect(await list.getByRole('status').innerText()).not.toContain('acme');

      expect(await page.getByText(`npx tierplane --data-dir ${platform.dataDir} token --admin`).isVisible()).toBe(true);

      const register = operation(page, 'Register a tenant and start its onboarding');
      await register.getByText('Register a tenant').click();
      await visitor.expectFitPage(/^API docs · Tierplane$/);
      const body = { tenantData: { tenantName: 'Hooli', email: 'jo@hooli.example', tier: 'huge' } };
      await register
        .getByRole('textbox', { name: 'Body', exact: true })
        .fill(JSON.stringify({ ...body, tenantRegistrationData: {} }));
      await register.getByRole('button', { name: 'Send' }).click();
      await register.getByText('422 in').waitFor();
      expect(await register.getByRole('status').innerText()).toContain('"tier"');
      await page.getByRole('link', { name: 'Start page' }).click();
      await seeHeading(page, 'Your platform is running');
    }, 60_000);
  });

  describe('an address', () => {
    test.each([
      ['that nothing is at', '/nowhere', 404, 'Not found', 'Start page'],
      ['of a mail that is gone', '/mailbox/01abc', 404, 'Not found', 'Start page'],
      ['of a realm that does not exist', '/realms/tenant-nobody00/account', 404, 'Page not found', 'Start page'],
      ['of a sign-in that is over', '/realms/pool/interaction/gone', 400, 'This sign-in has ended', 'Sign in'],
      ['with a client that is unknown', '/realms/pool/auth?client_id=evil', 400, 'This did not work', 'Sign in'],
    ])('%s says so and shows the way on', async (_what, path, status, heading, way) => {
      await using visitor = await Visitor.open(browser, front(path));
      const { page } = visitor;
      expect((await page.request.get(front(path))).status()).toBe(status);
      await seeHeading(page, heading);
      await visitor.expectFitPage(/ · Tierplane$/);
      await page.getByRole('link', { name: way, exact: true }).click();
      await seeHeading(page, way === 'Sign in' ? 'Sign in' : 'Your platform is running');
    });

    test('deep in the site works when opened directly, and keeps no authorization code', async () => {
      const { email, password } = person('initech');
      const { data } = (await platform.admin<{ data: { tenantName: string; tenantId: string }[] }>('GET', '/tenants'))
        .body;
      const tenantId = data.find(({ tenantName }) => tenantName === 'initech')?.tenantId;
      const account = front(`/realms/tenant-${tenantId}/account`);
      await using visitor = await Visitor.open(browser, `${account}?login_hint=${encodeURIComponent(email)}`);
      const { page } = visitor;
      expect(await page.getByLabel('Email or user name').inputValue()).toBe(email);
      await signIn(page, email, password);
      await seeHeading(page, 'You are signed in');
      expect(page.url()).toBe(account);
      await page.reload();
      await seeHeading(page, 'You are signed in');
      await page.goto(`${platform.urls.controlPlane}/docs`);
      await seeHeading(page, 'Tierplane control plane');
      await page.goBack();
      await seeHeading(page, 'You are signed in');
    });
  });
});

async function seeHeading(page: Page, name: string): Promise<void> {
  await page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
}

async function signIn(page: Page, userName: string, password: string): Promise<void> {
  await page.getByLabel('Email or user name').fill(userName);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

async function choosePassword(page: Page, password: string, repeated: string): Promise<void> {
  await page.getByLabel('New password', { exact: true }).fill(password);
  await page.getByLabel('Repeat new password').fill(repeated);
  await page.getByRole('button', { name: 'Save and sign in' }).click();
}

function operation(page: Page, summary: string) {
  return page.getByRole('group').filter({ hasText: summary });
}

/** Presses Tab until the named element has a visible focus. */
async function tabTo(visitor: Visitor, name: string): Promise<void> {
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
