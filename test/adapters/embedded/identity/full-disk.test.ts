import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { put } from '../../../../core/ports/table.ts';
import { createBrowser, refresh, signIn } from '../../../support/sign-in-by-page.ts';
import { ACME, type RealmServer, startRealmServer } from './realm-server.ts';

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

const REFUSED = { status: 503, retryAfter: '5' };

describe('FT-1: while the disk is full', () => {
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
