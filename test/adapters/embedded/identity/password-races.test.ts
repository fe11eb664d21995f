import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { beforeNextWrite } from '../../../support/before-next-write.ts';
import { createBrowser, type Page, signIn } from '../../../support/sign-in-by-page.ts';
import { type RealmServer, startRealmServer } from './realm-server.ts';

const PASSWORD = 'Correct-horse-7';
const NEW_PASSWORD = 'Battery-staple-8';
const RESET_PASSWORD = 'Reset-horse-9';
let server: RealmServer;

beforeAll(async () => {
  server = await startRealmServer({ logN: 10 });
});
afterAll(async () => server?.close());

/** Signs the user in, and opens the page with this path. */
async function openBrowser(userName: string, password: string) {
  const browser = createBrowser('none:', fetch);
  const open = async (path: string) => (await browser.open(`${server.issuer('pool')}${path}`)) as Page;
  const submit = async (page: Page, values: Record<string, string>) => (await browser.submit(page, values)) as Page;
  const first = await submit(await open('/account'), { userName, password });
  return { open, submit, first };
}

const signsIn = (userName: string, password: string) =>
  signIn({ issuer: server.issuer('pool'), clientId: 'tierplane-cli', userName, password }).then(
    () => true,
    () => false,
  );

/** Runs `change` right before the next transaction that writes a user. */
function beforeNextUserWrite(change: () => Promise<unknown>): void {
  beforeNextWrite(server.table, change, (writes) => JSON.stringify(writes).includes('user#pool'));
}

describe('ID-4: a password that a user chooses by page', () => {
  test('does not overwrite one that a link has set at the moment of the write', async () => {
    const userName = await server.newUser({ password: PASSWORD });
    const browser = await openBrowser(userName, PASSWORD);
    const page = await browser.open('/account/password');
    beforeNextUserWrite(() => server.identity.setPassword('pool', userName, RESET_PASSWORD));
    const values = { password: PASSWORD, newPassword: NEW_PASSWORD, repeated: NEW_PASSWORD };
    expect(await browser.submit(page, values)).toMatchObject({ status: 409, name: page.name });
    expect(await signsIn(userName, NEW_PASSWORD)).toBe(false);
    expect(await signsIn(userName, RESET_PASSWORD)).toBe(true);
  });

  test('is not set for a user who is disabled at the moment of the write', async () => {
    const userName = await server.newUser({ password: PASSWORD });
    const browser = await openBrowser(userName, PASSWORD);
    const page = await browser.open('/account/password');
    beforeNextUserWrite(() => server.identity.setUserEnabled('pool', userName, false));
    const values = { password: PASSWORD, newPassword: NEW_PASSWORD, repeated: NEW_PASSWORD };
    expect(await browser.submit(page, values)).toMatchObject({ status: 409 });
    await server.identity.setUserEnabled('pool', userName, true);
    expect(await signsIn(userName, PASSWORD)).toBe(true);
  });

  test.each<[string, (userName: string) => Promise<unknown>]>([
    ['the user is disabled', (userName) => server.identity.setUserEnabled('pool', userName, false)],
    ['the user has chosen one elsewhere', (userName) => server.identity.setPassword('pool', userName, RESET_PASSWORD)],
  ])('does not replace a temporary one when %s at the moment of the write', async (_what, lose) => {
    const userName = await server.newUser();
    const browser = await openBrowser(userName, await server.invitedPassword(userName));
    expect(browser.first).toMatchObject({ name: 'change-password' });
    beforeNextUserWrite(() => lose(userName));
    const values = { newPassword: NEW_PASSWORD, repeated: NEW_PASSWORD };
    expect(await browser.submit(browser.first, values)).toMatchObject({ status: 401, name: 'sign-in' });
    await server.identity.setUserEnabled('pool', userName, true);
    expect(await signsIn(userName, NEW_PASSWORD)).toBe(false);
  });
});
