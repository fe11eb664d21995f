import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { ACME, type RealmServer, startRealmServer } from '../adapters/embedded/identity/realm-server.ts';
import { until } from '../support/until.ts';
import { describeInBrowser, launchChromium, Visitor } from './browser.ts';
import { seeHeading, signIn } from './demo-site.ts';

const PASSWORD = 'Correct-horse-7';
const NEW_PASSWORD = 'Battery-staple-8';

describeInBrowser('ID-1: the account pages in a real browser', () => {
  let server: RealmServer;
  let browser: Browser;
  beforeAll(async () => {
    [server, browser] = await Promise.all([startRealmServer(), launchChromium()]);
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  async function newUser(email: string): Promise<void> {
    const user = { userName: email, email, role: 'TenantUser', tenantId: ACME, password: PASSWORD };
    await server.identity.createUser('pool', user);
  }

  function linkIn(text: string, label: string): string {
    return new RegExp(`^${label}: +(\\S+)$`, 'm').exec(text)?.[1] ?? '';
  }

  async function mailTo(email: string, subject: RegExp): Promise<string> {
    return until(async () => {
      const { items } = await server.mailer.list({ limit: 100 });
      return items.find((mail) => mail.to === email && subject.test(mail.subject))?.text;
    });
  }

  async function choose(visitor: Visitor, button: string): Promise<void> {
    await visitor.page.getByLabel('New password', { exact: true }).fill(NEW_PASSWORD);
    await visitor.page.getByLabel('Repeat new password').fill(NEW_PASSWORD);
    await visitor.page.getByRole('button', { name: button }).click();
  }

  describe('a forgotten password', () => {
    test('is replaced by the link in the mail, from the sign-in page to the sign-in with the new one', async () => {
      const email = 'forgetful@acme.example';
      await newUser(email);
      await using visitor = await Visitor.open(browser, `${server.issuer('pool')}/account?tenant=acme-inc`);
      const { page } = visitor;
      await seeHeading(page, 'Sign in');
      expect(await page.getByText('to Acme Inc.').isVisible()).toBe(true);
      await visitor.expectFitPage(/^Sign in · Tierplane$/);
      await page.getByRole('link', { name: 'Forgot your password?' }).click();
      await seeHeading(page, 'Forgot your password?');
      expect(await visitor.focused()).toBe('Email or user name');
      await visitor.expectFitPage(/^Forgot your password\? · Tierplane$/);
      await page.getByLabel('Email or user name').fill(email);
      await page.getByRole('button', { name: 'Send link' }).click();
      await seeHeading(page, 'Check your mail');
      await visitor.expectFitPage(/^Check your mail · Tierplane$/);

      const link = linkIn(await mailTo(email, /^Choose a new password for Acme Inc\.$/), 'Choose a new password');
      await page.goto(link);
      await seeHeading(page, 'Choose a new password');
      await visitor.expectFitPage(/^Choose a new password · Tierplane$/);
      await page.getByLabel('New password', { exact: true }).fill('weakweak');
      await page.getByLabel('Repeat new password').fill('weakweak');
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByRole('alert').waitFor();
      await visitor.expectFitPage(/^Error: Choose a new password · Tierplane$/);
      expect(new URL(page.url()).search).toBe('');
      await choose(visitor, 'Save');
      await seeHeading(page, 'Your password is changed');
      await visitor.expectFitPage(/^Your password is changed · Tierplane$/);
      await page.goto(link);
      await seeHeading(page, 'This link is not valid any more');
      await visitor.expectFitPage(/^This link is not valid any more · Tierplane$/);

      await page.goto(`${server.issuer('pool')}/account`);
      await signIn(page, email, NEW_PASSWORD);
      await seeHeading(page, 'You are signed in');
      expect(await page.getByText('to Acme Inc.').isVisible()).toBe(true);
    }, 60_000);
  });

  describe('an invitation', () => {
    test('leads to a sign-in page that names the company', async () => {
      const email = 'new@acme.example';
      const invitation = { tenantName: 'Acme Inc.', slug: 'acme-inc' };
      await server.identity.createUser('pool', {
        ...{ userName: email, email, role: 'TenantUser', tenantId: ACME, invitation },
      });
      const mail = await mailTo(email, /^Your invitation to Acme Inc\.$/);
      await using visitor = await Visitor.open(browser, linkIn(mail, 'Sign in'));
      const { page } = visitor;
      await seeHeading(page, 'Sign in');
      expect(await page.getByText('to Acme Inc.').isVisible()).toBe(true);
      expect(await page.getByLabel('Email or user name').inputValue()).toBe(email);
      await page.getByLabel('Password').fill(await server.invitedPassword(email));
      await page.getByRole('button', { name: 'Sign in' }).click();
      await seeHeading(page, 'Choose your password');
      await choose(visitor, 'Save and sign in');
      await seeHeading(page, 'You are signed in');
    }, 60_000);
  });

  describe('a signed-in user', () => {
    test('changes the password, then signs out everywhere', async () => {
      const email = 'owner@acme.example';
      await newUser(email);
      await using visitor = await Visitor.open(browser, `${server.issuer('pool')}/account`);
      const { page } = visitor;
      await signIn(page, email, PASSWORD);
      await seeHeading(page, 'You are signed in');
      await visitor.expectFitPage(/^Signed in · Tierplane$/);
      await page.getByRole('link', { name: 'Change your password' }).click();
      await seeHeading(page, 'Change your password');
      await visitor.expectFitPage(/^Change your password · Tierplane$/);
      await page.getByLabel('Current password').fill('Wrong-horse-7');
      await choose(visitor, 'Save');
      expect(await page.getByRole('alert').innerText()).toBe('The current password is wrong.');
      await visitor.expectFitPage(/^Error: Change your password · Tierplane$/);
      await page.getByLabel('Current password').fill(PASSWORD);
      await choose(visitor, 'Save');
      await seeHeading(page, 'Your password is changed');
      await visitor.expectFitPage(/^Your password is changed · Tierplane$/);
      await page.getByRole('link', { name: 'Back to your account' }).click();
      await seeHeading(page, 'You are signed in');

      await page.getByRole('link', { name: 'Sign out everywhere' }).click();
      await seeHeading(page, 'Sign out everywhere?');
      await visitor.expectFitPage(/^Sign out everywhere · Tierplane$/);
      await page.getByRole('button', { name: 'Sign out everywhere' }).click();
      await seeHeading(page, 'You are signed out everywhere');
      await visitor.expectFitPage(/^Signed out everywhere · Tierplane$/);
      await page.getByRole('link', { name: 'Sign in again' }).click();
      await seeHeading(page, 'Sign in');
    }, 60_000);
  });
});
