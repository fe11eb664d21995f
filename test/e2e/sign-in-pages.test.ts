import { describe, expect, test } from '@jest/globals';
import { choosePassword, describeDemoSite, seeHeading, signIn, tabTo } from './demo-site.ts';
import { PASSWORD } from './harness.ts';

const TITLE = {
  signIn: /^Sign in · Tierplane$/,
  wrong: /^Error: Sign in · Tierplane$/,
  account: /^Signed in · Tierplane$/,
  signOut: /^Sign out · Tierplane$/,
  signedOut: /^Signed out · Tierplane$/,
  change: /^Choose your password · Tierplane$/,
  refused: /^Error: Choose your password · Tierplane$/,
};

describeDemoSite('UI-3: in a real browser', (site) => {
  describe.each([
    ['an administrator', 'admin', 'Sign in as admin', 'SystemAdmin'],
    ['a user of the pooled realm', 'acme', 'Sign in to acme', 'TenantAdmin'],
    ['a user of an advanced tenant', 'globex', 'Sign in to globex', 'TenantAdmin'],
    ["a user of a premium tenant's own realm", 'initech', 'Sign in to initech', 'TenantAdmin'],
  ])('ID-1: %s', (_who, name, link, role) => {
    test('signs in after a wrong password, sees the account, signs out and signs in again', async () => {
      const { email, password } = site.person(name);
      await using visitor = await site.visit();
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

      await page.getByRole('link', { name: 'Sign out', exact: true }).click();
      await seeHeading(page, 'Sign out?');
      await look(TITLE.signOut);
      await page.getByRole('button', { name: 'Stay signed in' }).click();
      await seeHeading(page, 'You are signed in');
      await page.getByRole('link', { name: 'Sign out', exact: true }).click();
      await page.getByRole('button', { name: 'Sign out', exact: true }).click();
      await seeHeading(page, 'You are signed out');
      await look(TITLE.signedOut);

      await page.getByRole('link', { name: 'Sign in again' }).click();
      await seeHeading(page, 'Sign in');
      await signIn(page, email, password);
      await seeHeading(page, 'You are signed in');
    }, 60_000);
  });

  test('ID-1: a sign-in works by keyboard and shows the focus', async () => {
    const { email, password } = site.person('admin');
    await using visitor = await site.visit();
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
      await using visitor = await site.visit(await site.operatorPath('mailbox'));
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
          expect((await site.platform.admin('POST', '/users', user)).status).toBe(201);
        } else {
          const tier = who === 'a tenant' ? 'basic' : 'premium';
          await site.platform.cliJson('tenants', 'create', '--name', name, '--email', email, '--tier', tier, '--wait');
        }

        await using visitor = await site.visit(await site.operatorPath('startPage'));
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
          'uppercase letter from A to Z',
          'digit from 0 to 9',
          'symbol, such as - or !',
        ]);
        expect(await visitor.focused()).toBe('New password');
        await look(TITLE.refused);
        await choosePassword(page, PASSWORD, `${PASSWORD}8`);
        expect(await page.getByRole('alert').innerText()).toBe('The two passwords must be equal.');
        await choosePassword(page, PASSWORD, PASSWORD);
        await seeHeading(page, 'You are signed in');
        expect(await page.getByText(email, { exact: true }).isVisible()).toBe(true);

        await using stranger = await site.visit(page.url());
        await signIn(stranger.page, email, temporary);
        expect(await stranger.page.getByRole('alert').innerText()).toBe('User name or password is wrong.');
      },
      90_000,
    );
  });
});
