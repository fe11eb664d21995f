import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Principal } from '../../../control-plane/api/http/http.ts';
import { ADMIN_SCOPES } from '../../../core/identity/issuers.ts';
import { type Body, type Home, type Reply, registration, startHome, type TokenName } from './home.ts';

let home: Home;
beforeAll(async () => {
  home = await startHome();
});
afterAll(async () => home[Symbol.asyncDispose]());

function register(body: Body, key: string, token: TokenName = 'admin'): Promise<Reply> {
  return home.call('POST', '/tenant-registrations', body, { token, headers: { 'idempotency-key': key } });
}

test('a repeated registration gets the first response, and there is one tenant and one event', async () => {
  const first = await register(registration('Once'), 'key-1');
  const again = await register(registration('Once'), 'key-1');
  expect([first.status, again.status, again.body]).toEqual([201, 201, first.body]);
  expect((await home.outbox()).filter(({ detail }) => detail.tenantName === 'Once')).toHaveLength(1);
});

test('ten concurrent registrations with one key get the same response', async () => {
  const responses = await Promise.all(Array.from({ length: 10 }, () => register(registration('Ten'), 'key-2')));
  expect(new Set(responses.map(({ text }) => text)).size).toBe(1);
  expect(responses.every(({ status }) => status === 201)).toBe(true);
});

test('idempotency keys are scoped to the caller', async () => {
  const mine = await register(registration('Ours'), 'key-4');
  const other = await register(registration('Theirs'), 'key-4', 'second');
  expect([mine.status, other.status]).toEqual([201, 201]);
});

test("idempotency keys are scoped to the kind of the caller, so a user whose name is that of a kind gets no machine's response", async () => {
  const named = { kind: 'user', userName: 'machine', role: 'SystemAdmin', scopes: ADMIN_SCOPES, basis: [] } as const;
  let caller: Principal = { kind: 'machine' };
  await using other = await startHome({ authorize: () => async () => caller });
  const headers = { 'idempotency-key': 'key-8' };
  expect((await other.call('POST', '/tenant-registrations', registration('By Machine'), { headers })).status).toBe(201);
  caller = named;
  expect((await other.call('POST', '/tenant-registrations', registration('By User'), { headers })).status).toBe(201);
});

test('an idempotency key expires after 24 hours', async () => {
  await register(registration('Day'), 'key-5');
  home.advance(24 * 3600_000 + 1000);
  expect((await register(registration('Day'), 'key-5')).status).toBe(409);
  expect((await register(registration('Next Day'), 'key-5')).status).toBe(201);
});

test('a refused registration leaves its key unused', async () => {
  expect((await register(registration('Once'), 'key-6')).status).toBe(409);
  expect((await register(registration('Better'), 'key-6')).status).toBe(201);
});

test('no password is stored with a key, so a repetition with another password gets the first response', async () => {
  const body = { ...registration('Secretive'), adminPassword: 'Correct-horse-1' };
  const first = await register(body, 'key-7');
  const again = await register({ ...body, adminPassword: 'Another-horse-2' }, 'key-7');
  expect([first.status, again.body]).toEqual([201, first.body]);
  expect(JSON.stringify(home.stored())).not.toMatch(/Correct-horse-1|Another-horse-2/);
});

describe('ON-2: a registration that does not happen leaves no password', () => {
  const withPassword = (name: string): Body => ({ ...registration(name), adminPassword: 'Correct-horse-1' });
  const signUp = (name: string, email: string, headers = {}): Promise<Reply> =>
    home.call(
      'POST',
      '/onboarding',
      { tenant_name: name, email, password: 'Correct-horse-1' },
      { token: 'none', headers },
    );

  /** Ids of the tenants for which a password is stored, expired or not. */
  function staged(): string[] {
    const items = home.stored() as readonly { readonly pk: string; readonly data: string }[];
    const passwords = items.filter(({ pk, data }) => pk.startsWith('staged-password#') && data.includes('"hash":'));
    return passwords.map(({ pk }) => pk.slice('staged-password#'.length));
  }

  async function newlyStaged(run: () => Promise<readonly Reply[]>) {
    const before = new Set(staged());
    const replies = await run();
    return { replies, added: staged().filter((tenantId) => !before.has(tenantId)) };
  }

  test('of 20 parallel registrations under one key, only the one that happened keeps its password', async () => {
    const { replies, added } = await newlyStaged(() =>
      Promise.all(Array.from({ length: 20 }, () => register(withPassword('Parallel'), 'key-20'))),
    );
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([201]));
    expect(added).toEqual([replies[0]?.body.data.tenantId]);
  });

  test('of 20 parallel registrations of one name or email, one keeps its password', async () => {
    const { replies, added } = await newlyStaged(() =>
      Promise.all(Array.from({ length: 20 }, (_, i) => register(withPassword('Contested'), `contested-${i}`))),
    );
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(added).toHaveLength(1);
  });

  test('of parallel sign-ups of one email, with and without a key, one keeps its password', async () => {
    home.advance(3_600_000);
    const { added } = await newlyStaged(() =>
      Promise.all(
        [1, 2, 3, 4, 5, 6].map((i) =>
          signUp(`Crowd ${i}`, 'crowd@crowd.example', i % 2 ? {} : { 'idempotency-key': `crowd-${i}` }),
        ),
      ),
    );
    expect(added).toHaveLength(1);
  });
});
