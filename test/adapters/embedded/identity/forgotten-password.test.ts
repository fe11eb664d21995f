import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { userKey } from '../../../../core/identity/users/user-records.ts';
import type { RealmId } from '../../../../core/ports/identity.ts';
import { createBrowser, type Page, refresh, signIn } from '../../../support/sign-in-by-page.ts';
import { until } from '../../../support/until.ts';
import { ACME, GLOBEX, INITECH, type RealmServer, startRealmServer } from './realm-server.ts';

const PASSWORD = 'Correct-horse-7';
const NEW_PASSWORD = 'Battery-staple-8';
const OWN: RealmId = `tenant-${INITECH}`;
let server: RealmServer;

beforeAll(async () => {
  server = await startRealmServer();
});
afterAll(async () => server?.close());

/** Creates a user with a chosen password. Each test has its own, because links are limited per user. */
function newUser(tenantId = ACME, realm: RealmId = 'pool'): Promise<string> {
  return server.newUser({ tenantId, realm, password: PASSWORD });
}

let clients = 0;
/** Requests for a link that got 200. */
let accepted = 0;

/** Sends a form, each time from another client, because forms are limited per client. */
async function post(
  path: string,
  fields: Record<string, string>,
  given: Record<string, string> = {},
): Promise<Response> {
  const url = path.startsWith('http') ? path : `${server.issuer('pool')}/${path}`;
  clients += 1;
  const headers = { 'x-forwarded-for': `198.51.${clients >> 8}.${clients & 255}`, ...given };
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(fields), headers });
  if (url.endsWith('/forgot-password') && response.status === 200) accepted += 1;
  return response;
}

async function linksTo(email: string): Promise<string[]> {
  const { items } = await server.mailer.list({ limit: 200 });
  const texts = items.filter(({ to }) => to === email).map(({ text }) => text);
  return texts.flatMap((text) => /^Choose a new password: (\S+)$/m.exec(text)?.[1] ?? []);
}

/** Requests links, and waits for as many. @returns the newest */
async function linkFor(email: string, login = email): Promise<string> {
  const before = (await linksTo(email)).length;
  expect((await post('forgot-password', { userName: login })).status).toBe(200);
  await until(async () => (await linksTo(email)).length > before);
  const [newest = ''] = await linksTo(email);
  return newest;
}

/** Waits until every request so far has been handled, and so has been logged. */
async function untilHandled(): Promise<void> {
  await until(() => server.logged.filter((line) => line.includes('forgotten password')).length === accepted);
}

function tokenIn(link: string): string {
  return new URL(link).searchParams.get('token') ?? '';
}

async function choose(link: string, password = NEW_PASSWORD, repeated = password): Promise<Page> {
  const browser = createBrowser('none:', fetch);
  const page = (await browser.open(link)) as Page;
  return page.name === 'reset-password'
    ? ((await browser.submit(page, { newPassword: password, repeated })) as Page)
    : page;
}

function enter(userName: string, password: string) {
  return signIn({ issuer: server.issuer('pool'), clientId: 'tierplane-cli', userName, password });
}

describe('a forgotten password', () => {
  test('ID-7: is replaced by a link that is mailed in the name of the company; all sessions and tokens end', async () => {
    const email = await newUser();
    const { accessToken, refreshToken = '' } = await enter(email, PASSWORD);
    const link = await linkFor(email, email.toUpperCase());
    const { items } = await server.mailer.list({ limit: 1 });
    expect(items[0]).toMatchObject({ to: email, subject: 'Choose a new password for Acme Inc.' });
    expect(items[0]?.text).not.toContain('Tierplane');

    expect(await choose(link)).toMatchObject({ status: 200, name: 'password-reset' });
    const renewal = refresh({ issuer: server.issuer('pool'), clientId: 'tierplane-cli', refreshToken });
    await expect(renewal).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    const me = (token: string) =>
      fetch(`${server.issuer('pool')}/me`, { headers: { authorization: `Bearer ${token}` } });
    expect((await me(accessToken)).status).toBe(401);
    await expect(enter(email, PASSWORD)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    // At once, although tokens carry whole seconds only.
    expect((await me((await enter(email, NEW_PASSWORD)).accessToken)).status).toBe(200);
  });

  test('ID-7: can be replaced by a user whose temporary password has expired', async () => {
    const email = 'late@acme.example';
    await server.identity.createUser('pool', { userName: 'late', email, role: 'TenantUser', tenantId: ACME });
    server.advance(8 * 86_400_000);
    await expect(enter('late', await server.invitedPassword(email))).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect(await choose(await linkFor(email, 'late'))).toMatchObject({ name: 'password-reset' });
    expect((await enter('late', NEW_PASSWORD)).accessToken).not.toBe('');
  });

  test('ID-7: is replaced once by each link, also by parallel requests; a weak password does not use it up', async () => {
    const email = await newUser();
    const link = await linkFor(email);
    expect(await choose(link, 'weak')).toMatchObject({
      status: 422,
      name: 'reset-password',
      alert: expect.stringContaining('The password must have at least 8 characters.'),
    });
    expect(await choose(link, NEW_PASSWORD, `${NEW_PASSWORD}x`)).toMatchObject({ status: 422 });
    const fields = { token: tokenIn(link), newPassword: NEW_PASSWORD, repeated: NEW_PASSWORD };
    const replies = await Promise.all([1, 2, 3].map(() => post('reset-password', fields)));
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 404, 404]);
    expect(await choose(link)).toMatchObject({ status: 404, name: 'link-not-valid' });
  });

  type Spoil = (link: string, email: string) => Promise<string> | Promise<unknown> | string;
  test.each<[string, Spoil]>([
    ['is 30 minutes old', async () => server.advance(30 * 60_000 + 1_000)],
    ['was replaced by a newer one', async (_link, email) => void (await linkFor(email))],
    ['is older than the password', (_link, email) => server.identity.setPassword('pool', email, PASSWORD)],
    ['is of a user who is disabled now', (_link, email) => server.identity.setUserEnabled('pool', email, false)],
    ['is of a user who is deleted now', (_link, email) => server.identity.deleteUser('pool', email)],
    [
      "has another user's secret",
      async (link) => {
        const [, secret] = tokenIn(await linkFor(await newUser())).split('.');
        return link.replace(/\.[\w-]{43}$/, `.${secret}`);
      },
    ],
    ['is of another realm', (link) => link.replace('/realms/pool/', `/realms/${OWN}/`)],
    ['is one character shorter', (link) => link.slice(0, -1)],
    ['has no token', (link) => link.split('?')[0] ?? ''],
    ['has a token of control characters', (link) => `${link.split('?')[0]}?token=%00.%0a`],
  ])('SE-1: is not replaced by a link that %s', async (_what, spoil) => {
    const email = await newUser();
    const link = await linkFor(email);
    const changed = await spoil(link, email);
    const spoiled = typeof changed === 'string' ? changed : link;
    expect(await choose(spoiled)).toMatchObject({ status: 404, name: 'link-not-valid' });
    const fields = { token: tokenIn(spoiled), newPassword: NEW_PASSWORD, repeated: NEW_PASSWORD };
    expect((await post(spoiled.split('?')[0] ?? '', fields)).status).toBe(404);
    await expect(enter(email, NEW_PASSWORD)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('SE-1: a deleted user leaves no link, and no mail with one', async () => {
    const email = await newUser();
    const user = await server.identity.user('pool', email);
    await linkFor(email);
    const stored = () => server.table.get({ pk: 'password-reset#pool', sk: user?.subject ?? '' });
    expect(await stored()).toBeDefined();
    await server.identity.deleteUser('pool', email);
    expect(await stored()).toBeUndefined();
    expect(await linksTo(email)).toEqual([]);
  });
});

describe('the request for a link', () => {
  test('SE-1: gets the same response for every name, before the name is looked up; only a user who may sign in gets a mail', async () => {
    const known = await newUser();
    const disabled = await newUser();
    await server.identity.setUserEnabled('pool', disabled, false);
    const premium = await newUser(INITECH, OWN);
    const suspended = await newUser(GLOBEX);
    server.changeTenant(GLOBEX, { active: false });
    const names = [known, disabled, premium, suspended, 'nobody@acme.example', "x' OR 1=1", '..', 'a\u0000b', '\ud800'];
    // A table that does not respond cannot delay the response.
    const { get } = server.table;
    const held = Promise.withResolvers<void>();
    Object.assign(server.table, {
      get: async (key: ReturnType<typeof userKey>) => {
        if (/^(user|email|subject)#/.test(key.pk)) await held.promise;
        return get(key);
      },
    });
    try {
      const responses = await Promise.all(names.map((userName) => post('forgot-password', { userName })));
      const seen = await Promise.all(
        responses.map(async (one) => [
          one.status,
          await one.text(),
          [...one.headers].filter(([name]) => name !== 'date'),
        ]),
      );
      expect(new Set(seen.map((one) => JSON.stringify(one))).size).toBe(1);
      expect(seen[0]?.[0]).toBe(200);
    } finally {
      Object.assign(server.table, { get });
      held.resolve();
    }
    await until(async () => (await linksTo(known)).length === 1);
    await untilHandled();
    for (const email of [disabled, premium, suspended]) expect(await linksTo(email)).toEqual([]);
    server.changeTenant(GLOBEX, { active: true });
  });

  test('SE-1: is limited per user without a different response, and per client whatever the name', async () => {
    const email = await newUser();
    for (let i = 0; i < 3; i++) await linkFor(email);
    expect((await post('forgot-password', { userName: email })).status).toBe(200);
    await untilHandled();
    expect(await linksTo(email)).toHaveLength(3);

    const headers = { 'x-forwarded-for': '203.0.113.9' };
    const statuses: number[] = [];
    for (let i = 0; i < 31; i++) {
      statuses.push((await post('forgot-password', { userName: `nobody${i}` }, headers)).status);
    }
    expect(statuses).toEqual([...Array(30).fill(200), 429]);
    const refused = await post('forgot-password', { userName: email }, headers);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '900']);
    const reset = { token: 'a.b', newPassword: NEW_PASSWORD, repeated: NEW_PASSWORD };
    expect((await post('reset-password', reset, headers)).status).toBe(429);
    expect((await post('forgot-password', { userName: 'x' }, { 'x-forwarded-for': '203.0.113.10' })).status).toBe(200);
  });

  test('SE-1: is refused from another site, without a name, and with one that is too long', async () => {
    const email = await newUser();
    const statusOf = async (userName: string, headers = {}) =>
      (await post('forgot-password', { userName }, headers)).status;
    expect(await statusOf(email, { origin: 'https://evil.example' })).toBe(403);
    expect(await statusOf(email, { origin: 'null' })).toBe(403);
    expect(await statusOf(' ')).toBe(422);
    expect(await statusOf('a'.repeat(255))).toBe(422);
    expect(await statusOf(email, { origin: server.url })).toBe(200);
  });

  test('SE-1.10: no log has a token, the table has only its hash, and the page behind the link sends no referrer', async () => {
    const email = await newUser();
    const link = await linkFor(email);
    const response = await fetch(link);
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    await choose(link);
    const [, secret = ''] = tokenIn(link).split('.');
    expect(secret).toHaveLength(43);
    expect(server.logged.join('\n')).not.toContain(secret);
    expect(server.logged.join('\n')).not.toContain(email);
    const stored = server.table.database.statement("SELECT * FROM items WHERE pk <> 'mail'").all();
    expect(JSON.stringify(stored)).not.toContain(secret);
  });
});
