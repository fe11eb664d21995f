import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { DomainError } from '../../../../core/errors.ts';
import { put } from '../../../../core/ports/table.ts';
import { createBrowser, type Page, refresh, signIn } from '../../../support/sign-in-by-page.ts';
import { ACME, AUTHORIZATION, type RealmServer, startRealmServer } from './realm-server.ts';

const PASSWORD = 'Correct-horse-7';
const USER = 'boss@acme.example';

let server: RealmServer;
beforeEach(async () => {
  server = await startRealmServer();
  const user = { userName: USER, email: USER, role: 'TenantAdmin', tenantId: ACME };
  await server.identity.createUser('pool', { ...user, password: PASSWORD });
});
afterEach(() => server.close());

/** Lets no write of the store succeed, as on a full disk. @returns how to undo it */
function fillDisk(): () => void {
  const limit = (pages: number): unknown => server.table.database.statement(`PRAGMA max_page_count = ${pages}`).get();
  limit(1);
  const { transact } = server.table;
  // A page that exists already may still have room.
  server.table.transact = async (writes) => {
    await transact([...writes, put({ pk: 'full', sk: 'disk', version: 1, data: { text: 'x'.repeat(100_000) } })]);
  };
  return () => {
    server.table.transact = transact;
    limit(1_000_000);
  };
}

interface Seen {
  readonly path: string;
  readonly status: number;
  readonly retryAfter: string | null;
}

/** A fetch that records the responses. */
function recorder(): { readonly seen: Seen[]; readonly fetch: typeof fetch } {
  const seen: Seen[] = [];
  return {
    seen,
    async fetch(url, init) {
      const response = await fetch(url, init);
      const path = new URL(String(url)).pathname.replace(/\/interaction\/[^/]+/, '/interaction/x');
      seen.push({ path, status: response.status, retryAfter: response.headers.get('retry-after') });
      return response;
    },
  };
}

/** Without `fetch`, which tests add. */
function options() {
  return { issuer: server.issuer('pool'), clientId: 'tierplane-cli', scope: 'openid offline_access' };
}

/** A browser in which the user is signed in, and what it receives. */
async function signedInBrowser() {
  const { seen, fetch: send } = recorder();
  const browser = createBrowser('none:', (url, init) =>
    send(url, { ...init, headers: { ...init?.headers, accept: 'text/html' } }),
  );
  const open = async (path: string) => (await browser.open(`${server.issuer('pool')}${path}`)) as Page;
  await browser.submit(await open('/account'), { userName: USER, password: PASSWORD });
  return { seen, browser, open };
}

const UNAVAILABLE_PAGE = { name: 'error', heading: 'Not possible at the moment' };
const REFUSED = { status: 503, retryAfter: '5' };

describe('while the disk is full', () => {
  test('sign-in responds with 503, and succeeds once there is space', async () => {
    const makeSpace = fillDisk();
    const { seen, fetch } = recorder();
    await expect(signIn({ ...options(), userName: USER, password: PASSWORD, fetch })).rejects.toThrow('503');
    expect(seen.at(-1)).toMatchObject(REFUSED);
    expect(seen.filter(({ status }) => status >= 500 && status !== 503)).toEqual([]);
    makeSpace();
    await expect(signIn({ ...options(), userName: USER, password: PASSWORD })).resolves.toBeDefined();
  });

  test('the page for a new password responds with 503, and the temporary password stays valid', async () => {
    const user = { userName: 'new@acme.example', email: 'new@acme.example', role: 'TenantUser', tenantId: ACME };
    await server.identity.createUser('pool', user);
    const temporary = { userName: user.userName, password: await server.invitedPassword(user.email) };
    const makeSpace = fillDisk();
    const { seen, fetch } = recorder();
    const attempt = { ...options(), ...temporary, newPassword: 'Another-horse-7' };
    await expect(signIn({ ...attempt, fetch })).rejects.toThrow('503');
    expect(seen.at(-1)).toMatchObject(REFUSED);
    makeSpace();
    await expect(signIn(attempt)).resolves.toBeDefined();
  });

  test('a refresh token is not refused as invalid, and is valid once there is space', async () => {
    const { refreshToken = '' } = await signIn({ ...options(), userName: USER, password: PASSWORD });
    const makeSpace = fillDisk();
    const { seen, fetch } = recorder();
    await expect(refresh({ ...options(), refreshToken, fetch })).rejects.toThrow();
    expect(seen.at(-1)).toMatchObject({ path: '/realms/pool/token', ...REFUSED });
    makeSpace();
    await expect(refresh({ ...options(), refreshToken })).resolves.toBeDefined();
  });

  test('pages respond with 503 and say so', async () => {
    const { seen, open } = await signedInBrowser();
    fillDisk();
    for (const path of [
      `/auth?${new URLSearchParams(AUTHORIZATION)}`,
      '/device',
      '/session/end?client_id=tierplane-account',
    ]) {
      expect(await open(path)).toMatchObject(UNAVAILABLE_PAGE);
      expect(seen.at(-1)).toMatchObject(REFUSED);
    }
  });

  test('the users API responds with 503, and creates the user once there is space', async () => {
    const { accessToken } = await signIn({ ...options(), userName: USER, password: PASSWORD });
    const create = (): Promise<Response> =>
      fetch(`${server.issuer('pool')}/users`, {
        method: 'POST',
        headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
        body: JSON.stringify({ email: 'new@acme.example', role: 'TenantUser' }),
      });
    const makeSpace = fillDisk();
    expect((await create()).status).toBe(503);
    makeSpace();
    expect((await create()).status).toBe(201);
  });

  test('the confirmation of a code of the command line responds with 503', async () => {
    const { seen, fetch } = recorder();
    const browser = createBrowser('http://127.0.0.1/callback', fetch);
    const signedIn = await browser.open(`${server.issuer('pool')}/account`);
    if (signedIn instanceof URL) throw new Error('the account page must not redirect to a client');
    await browser.submit(signedIn, { userName: USER, password: PASSWORD });
    const started = await fetch(`${server.issuer('pool')}/device/auth`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: 'tierplane-cli', scope: 'openid' }),
    });
    const { user_code } = (await started.json()) as { user_code: string };
    const codePage = await browser.open(`${server.issuer('pool')}/device`);
    const confirm = codePage instanceof URL ? codePage : await browser.submit(codePage, { user_code });
    fillDisk();
    if (!(confirm instanceof URL)) await browser.submit(confirm, { confirm: 'yes' });
    expect(seen.at(-1)).toMatchObject(REFUSED);
  });
});

describe('while the store cannot be read', () => {
  test('the page for a code says so with 503, and a client that reads HTML gets the page', async () => {
    const { seen, browser, open } = await signedInBrowser();
    const page = await open('/device');
    server.table.query = async () => {
      throw new DomainError('UNAVAILABLE', 'the disk does not respond');
    };
    expect(await browser.submit(page, { user_code: 'BBBB-BBBB' })).toMatchObject({
      status: 503,
      alert: 'This is not possible at the moment. Try again in a few seconds.',
    });
    expect(seen.at(-1)).toMatchObject(REFUSED);
  });

  test('pages respond with 503 and say so', async () => {
    const { seen, open } = await signedInBrowser();
    server.table.get = async () => {
      throw new DomainError('UNAVAILABLE', 'the disk does not respond');
    };
    for (const path of [
      `/auth?${new URLSearchParams(AUTHORIZATION)}`,
      '/session/end?client_id=tierplane-account',
      '/account',
    ]) {
      expect(await open(path)).toMatchObject(UNAVAILABLE_PAGE);
      expect(seen.at(-1)).toMatchObject(REFUSED);
    }
  });

  test('a client that prefers HTML gets the page, too, if only one record cannot be read', async () => {
    const { browser, open } = await signedInBrowser();
    const page = await open('/device');
    const { get } = server.table;
    server.table.get = async (key) => {
      if (key.sk.startsWith('RefreshToken#')) throw new DomainError('UNAVAILABLE', 'the disk does not respond');
      return get(key);
    };
    const form = { grant_type: 'refresh_token', refresh_token: 'x', client_id: 'tierplane-cli' };
    const shown = await browser.submit({ ...page, action: `${server.issuer('pool')}/token`, fields: {} }, form);
    expect(shown).toMatchObject({ status: 503, ...UNAVAILABLE_PAGE });
  });
});
