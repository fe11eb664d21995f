import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createBrowser, type Page, refresh, signIn, type Tokens } from '../../../support/sign-in-by-page.ts';
import { type RealmServer, startRealmServer } from './realm-server.ts';

const PASSWORD = 'Correct-horse-7';
const NEW_PASSWORD = 'Battery-staple-8';
let server: RealmServer;

beforeAll(async () => {
  server = await startRealmServer();
});
afterAll(async () => server?.close());

const newUser = () => server.newUser({ password: PASSWORD });

function enter(userName: string, password = PASSWORD): Promise<Tokens> {
  return signIn({ issuer: server.issuer('pool'), clientId: 'tierplane-cli', userName, password });
}

function renew({ refreshToken = '' }: Tokens): Promise<Tokens> {
  return refresh({ issuer: server.issuer('pool'), clientId: 'tierplane-cli', refreshToken });
}

async function me(method: string, path: string, { accessToken }: Tokens, body?: unknown) {
  const response = await fetch(`${server.issuer('pool')}/me${path}`, {
    method,
    headers: { authorization: `Bearer ${accessToken}` },
    body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, text: await response.text() };
}

/** A browser in which the user is signed in. */
async function openBrowser(userName: string) {
  const browser = createBrowser('none:', fetch);
  const open = async (path: string) => (await browser.open(`${server.issuer('pool')}${path}`)) as Page;
  const submit = async (page: Page, values: Record<string, string>) => (await browser.submit(page, values)) as Page;
  expect(await submit(await open('/account'), { userName, password: PASSWORD })).toMatchObject({ name: 'account' });
  return { open, submit };
}

const SIGNED_OUT = { code: 'UNAUTHENTICATED' };

describe("a signed-in user's own account, by page", () => {
  test('ID-7: changes the password with the current one; this browser stays signed in, all else ends', async () => {
    const userName = await newUser();
    const elsewhere = await enter(userName);
    const browser = await openBrowser(userName);
    const other = await openBrowser(userName);
    const page = await browser.open('/account/password');
    const wrong = { password: 'Wrong-horse-7', newPassword: NEW_PASSWORD, repeated: NEW_PASSWORD };
    expect(await browser.submit(page, wrong)).toMatchObject({ status: 401, alert: 'The current password is wrong.' });
    const unequal = { password: PASSWORD, newPassword: NEW_PASSWORD, repeated: 'x' };
    expect(await browser.submit(page, unequal)).toMatchObject({ status: 422 });
    const weak = { password: PASSWORD, newPassword: 'weak', repeated: 'weak' };
    expect(await browser.submit(page, weak)).toMatchObject({
      status: 422,
      alert: expect.stringContaining('at least 8'),
    });
    const right = { password: PASSWORD, newPassword: NEW_PASSWORD, repeated: NEW_PASSWORD };
    expect(await browser.submit(page, right)).toMatchObject({ status: 200, name: 'own-password-changed' });

    expect(await browser.open('/account')).toMatchObject({ name: 'account' });
    expect(await other.open('/account')).toMatchObject({ name: 'sign-in' });
    await expect(renew(elsewhere)).rejects.toMatchObject(SIGNED_OUT);
    expect((await me('GET', '', elsewhere)).status).toBe(401);
    await expect(enter(userName)).rejects.toMatchObject(SIGNED_OUT);
    expect((await me('GET', '', await enter(userName, NEW_PASSWORD))).status).toBe(200);
  });

  test('ID-6: signs out everywhere at once, this browser included', async () => {
    const userName = await newUser();
    const elsewhere = await enter(userName);
    const browser = await openBrowser(userName);
    const page = await browser.open('/account/sign-out-everywhere');
    expect(page).toMatchObject({ status: 200, name: 'sign-out-everywhere' });
    // Looking at the page changes nothing.
    expect((await me('GET', '', elsewhere)).status).toBe(200);
    expect(await browser.submit(page, {})).toMatchObject({ name: 'signed-out-everywhere' });
    expect(await browser.open('/account')).toMatchObject({ name: 'sign-in' });
    expect((await me('GET', '', elsewhere)).status).toBe(401);
    await expect(renew(elsewhere)).rejects.toMatchObject(SIGNED_OUT);
    expect((await me('GET', '', await enter(userName))).status).toBe(200);
  });

  test('SE-1: forged forms change nothing: without the token of this session, or from another site', async () => {
    const [victim, attacker] = [await newUser(), await newUser()];
    const browser = await openBrowser(victim);
    const foreign = await (await openBrowser(attacker)).open('/account/password');
    const fields = { password: PASSWORD, newPassword: NEW_PASSWORD, repeated: NEW_PASSWORD };
    for (const path of ['/account/password', '/account/sign-out-everywhere']) {
      const page = await browser.open(path);
      for (const csrf of ['', 'x', foreign.fields.csrf ?? '']) {
        expect(await browser.submit(page, { ...fields, csrf })).toMatchObject({
          status: 403,
          name: page.name,
          alert: 'This page was too old. Try again.',
        });
      }
    }
    expect(await browser.open('/account')).toMatchObject({ name: 'account' });
    expect((await enter(victim)).accessToken).not.toBe('');
  });

  test('SE-6: a form that is sent after the session has ended is refused and changes nothing', async () => {
    const userName = await newUser();
    const browser = await openBrowser(userName);
    const values = { password: PASSWORD, newPassword: NEW_PASSWORD, repeated: NEW_PASSWORD };
    const pages = [await browser.open('/account/password'), await browser.open('/account/sign-out-everywhere')];
    await server.identity.endSessions('pool', userName);
    const elsewhere = await enter(userName);
    for (const page of pages) {
      const refused = await browser.submit(page, values);
      expect(refused).toMatchObject({ status: 403, name: 'error', heading: 'You are no longer signed in' });
    }
    expect((await me('GET', '', elsewhere)).status).toBe(200);
    expect((await enter(userName)).accessToken).not.toBe('');
  });

  test('ID-1: leads to the sign-in where nobody is signed in', async () => {
    const browser = createBrowser('none:', fetch);
    for (const path of ['/account/password', '/account/sign-out-everywhere']) {
      expect(await browser.open(`${server.issuer('pool')}${path}`)).toMatchObject({ name: 'sign-in' });
    }
  });
});

describe("a user's own account, by access token", () => {
  test('ID-7: changes the password with the current one, and ends every session and token', async () => {
    const userName = await newUser();
    const tokens = await enter(userName);
    const change = (body: unknown) => me('PUT', '/password', tokens, body);
    for (const body of [
      '',
      '[]',
      {},
      { oldPassword: PASSWORD },
      { oldPassword: 7, newPassword: NEW_PASSWORD },
      { oldPassword: PASSWORD, newPassword: NEW_PASSWORD, userName: 'boss' },
      { oldPassword: 'Wrong-horse-7', newPassword: NEW_PASSWORD },
      { oldPassword: PASSWORD, newPassword: 'weak' },
    ]) {
      const { status, text } = await change(body);
      expect(status).toBe(422);
      expect(text).not.toContain(PASSWORD);
    }
    expect((await change({ oldPassword: PASSWORD, newPassword: NEW_PASSWORD })).status).toBe(204);
    expect((await me('GET', '', tokens)).status).toBe(401);
    await expect(renew(tokens)).rejects.toMatchObject(SIGNED_OUT);
    expect((await enter(userName, NEW_PASSWORD)).accessToken).not.toBe('');
  });

  test('SE-1: the current password cannot be guessed with a stolen token', async () => {
    const tokens = await enter(await newUser());
    const guesses = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        me('PUT', '/password', tokens, { oldPassword: `Guess-horse-${i}`, newPassword: NEW_PASSWORD }),
      ),
    );
    expect(guesses.map(({ status }) => status)).toContain(429);
    expect(guesses.filter(({ status }) => status === 422).length).toBeLessThanOrEqual(10);
  });

  test('ID-6: signs out everywhere, once: the token of the request ends, too', async () => {
    const tokens = await enter(await newUser());
    expect((await me('DELETE', '/sessions', tokens)).status).toBe(204);
    expect((await me('DELETE', '/sessions', tokens)).status).toBe(401);
    expect((await me('GET', '', tokens)).status).toBe(401);
  });

  test('SE-1: is refused without a token, with a foreign one, and by other methods', async () => {
    const tokens = await enter(await newUser());
    for (const accessToken of ['', 'x', `${tokens.accessToken}x`]) {
      expect((await me('DELETE', '/sessions', { ...tokens, accessToken })).status).toBe(401);
      expect((await me('PUT', '/password', { ...tokens, accessToken }, {})).status).toBe(401);
    }
    for (const [method, path] of [
      ['GET', '/sessions'],
      ['POST', '/password'],
      ['GET', '/password'],
    ] as const) {
      expect((await me(method, path, tokens)).status).toBe(405);
    }
  });
});
