import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AnonymousRecords } from '../../../../adapters/embedded/identity/anonymous-records.ts';
import { ClientBudget } from '../../../../core/collections/client-budget.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { signIn } from '../../../support/sign-in-by-page.ts';
import { ACME, AUTHORIZATION, type RealmServer, startRealmServer } from './realm-server.ts';

const MANY = { places: 100, bytes: 10_000 };

describe('records of people who have not signed in', () => {
  test('are found by their key and their second name until they expire, are replaced, or are deleted', () => {
    const clock = new ManualClock(0);
    const records = new AnonymousRecords(clock);
    records.set('a', { uid: 'one' }, { expiresIn: 60, client: 'c', alias: 'uid 1' });
    expect([records.get('a'), records.getByAlias('uid 1')]).toEqual([{ uid: 'one' }, { uid: 'one' }]);
    records.set('a', { uid: 'two' }, { expiresIn: 60, client: 'c', alias: 'uid 2' });
    expect([records.getByAlias('uid 1'), records.getByAlias('uid 2'), records.size]).toEqual([
      undefined,
      { uid: 'two' },
      1,
    ]);
    clock.advance(60_000);
    expect([records.get('a'), records.getByAlias('uid 2')]).toEqual([undefined, undefined]);
    records.set('b', {}, { expiresIn: 60, client: 'c' });
    expect(records.size).toBe(1);
    expect([records.delete('b'), records.delete('b'), records.size]).toEqual([true, false, 0]);
  });

  test('live for an hour at most', () => {
    const clock = new ManualClock(0);
    const records = new AnonymousRecords(clock);
    records.set('a', {}, { expiresIn: 43_200, client: 'c' });
    clock.advance(3_600_000);
    expect(records.get('a')).toBeUndefined();
  });

  test('give way to newer ones of the same client, not of others', () => {
    const records = new AnonymousRecords(new ManualClock(0), new ClientBudget({ places: 2, bytes: 1_000 }, MANY));
    for (const key of ['a', 'b', 'c'])
      records.set(key, { key }, { expiresIn: 60, client: 'flood', alias: `alias ${key}` });
    records.set('d', {}, { expiresIn: 60, client: 'other' });
    expect(['a', 'b', 'c', 'd'].map((key) => records.get(key) !== undefined)).toEqual([false, true, true, true]);
    expect(records.getByAlias('alias a')).toBeUndefined();
  });

  test('give way to newer ones when they take too much memory', () => {
    const records = new AnonymousRecords(new ManualClock(0), new ClientBudget({ places: 50, bytes: 100 }, MANY));
    for (const key of ['a', 'b', 'c']) records.set(key, { uid: 'x'.repeat(40) }, { expiresIn: 60, client: 'c' });
    expect([records.size, records.get('a')]).toEqual([2, undefined]);
  });
});

describe('SE-6: strangers who start sign-ins without end', () => {
  let server: RealmServer;
  beforeAll(async () => {
    server = await startRealmServer();
  });
  afterAll(() => server.close());

  const authorization = (): string => {
    const query = new URLSearchParams({ ...AUTHORIZATION, state: 's'.repeat(2_000) });
    return `${server.issuer('pool')}/auth?${query}`;
  };

  const stored = async (): Promise<number> =>
    (await server.table.query({ pk: 'oidc#pool', limit: 1_000 })).items.length;

  test('store nothing on the disk, and do not end the sessions of those who have signed in', async () => {
    const user = { userName: 'boss@acme.example', email: 'boss@acme.example', role: 'TenantAdmin', tenantId: ACME };
    await server.identity.createUser('pool', { ...user, password: 'Correct-horse-7' });
    const options = { issuer: server.issuer('pool'), clientId: 'tierplane-cli', scope: 'openid' };
    const tokens = await signIn({ ...options, userName: user.userName, password: 'Correct-horse-7' });
    const before = await stored();
    expect(before).toBeGreaterThan(0);
    const statuses = new Set<number>();
    for (let batch = 0; batch < 30; batch++) {
      const responses = await Promise.all(
        Array.from({ length: 20 }, () => fetch(authorization(), { redirect: 'manual' })),
      );
      for (const { status } of responses) statuses.add(status);
    }
    expect([...statuses]).toEqual([303]);
    expect(await stored()).toBe(before);
    const response = await fetch(`${server.issuer('pool')}/me`, {
      headers: { authorization: `Bearer ${tokens.accessToken}` },
    });
    expect(response.status).toBe(200);
    await expect(signIn({ ...options, userName: user.userName, password: 'Correct-horse-7' })).resolves.toBeDefined();
  });

  test('are refused with 429 after 1,200 in a minute, each client for itself', async () => {
    const from = async (address: string): Promise<Response> =>
      fetch(authorization(), { redirect: 'manual', headers: { 'x-forwarded-for': address } });
    let refused = 0;
    for (let batch = 0; batch < 61; batch++) {
      const responses = await Promise.all(Array.from({ length: 20 }, () => from('198.51.100.7')));
      refused += responses.filter(({ status }) => status === 429).length;
    }
    expect(refused).toBe(20);
    expect((await from('198.51.100.7')).headers.get('retry-after')).toBe('60');
    expect((await from('198.51.100.8')).status).toBe(303);
    server.advance(60_000);
    expect((await from('198.51.100.7')).status).toBe(303);
  });
});
