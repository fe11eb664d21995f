import { afterAll, beforeAll, expect, test } from '@jest/globals';
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
