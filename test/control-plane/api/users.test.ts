import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type Body, type Home, type Reply, startHome } from './home.ts';

let home: Home;
beforeEach(async () => {
  home = await startHome();
  await createSignedIn('root');
});
afterEach(async () => home[Symbol.asyncDispose]());

function create(userName: string, userRole: string): Promise<Reply> {
  return home.call('POST', '/users', { userName, userRole, email: `${userName}@example.com` });
}

/** Creates an admin who has signed in, and so has a chosen password. */
async function createSignedIn(userName: string): Promise<void> {
  const user = { userName, email: `${userName}@example.com`, role: 'SystemAdmin', password: 'Correct-horse-7' };
  await home.deps.identity.createUser('admin', user);
}

function put(userName: string, userRole: string): Promise<Reply> {
  return home.call('PUT', `/users/${userName}`, { userRole, email: `${userName}@example.com` });
}

async function get(userName: string): Promise<Body> {
  return (await home.call('GET', `/users/${userName}`)).body.data;
}

const LAST = { statusCode: 409, message: 'User root is the last enabled SystemAdmin who has signed in' };

test('ID-3: the last enabled SystemAdmin who has signed in can be neither removed, disabled nor demoted', async () => {
  await create('helper', 'CustomerSupport');
  await create('invited', 'SystemAdmin');
  await createSignedIn('off');
  await home.call('PUT', '/users/off/disable');
  for (const response of [
    await home.call('DELETE', '/users/root'),
    await home.call('PUT', '/users/root/disable'),
    await put('root', 'Auditor'),
  ]) {
    expect([response.status, response.body]).toEqual([409, LAST]);
  }
  expect(await get('root')).toMatchObject({ enabled: true, userRole: 'SystemAdmin' });
  expect((await put('root', 'SystemAdmin')).status).toBe(200);
  expect((await home.call('PUT', '/users/off/enable')).body).toEqual({ message: 'User enabled' });
  expect((await home.call('DELETE', '/users/root')).status).toBe(200);
});

test('ID-3: of two admins who remove each other at the same moment, one remains', async () => {
  await createSignedIn('other');
  const responses = await Promise.all([home.call('DELETE', '/users/root'), home.call('PUT', '/users/other/disable')]);
  expect(responses.map(({ status }) => status).sort()).toEqual([200, 409]);
});

test('ID-3: system users can be created with any role name, edited, disabled, enabled and deleted', async () => {
  expect((await create('bob', 'Whatever They Invent')).body).toEqual({ data: { userName: 'bob' } });
  expect(await get('bob')).toMatchObject({ status: 'FORCE_CHANGE_PASSWORD', enabled: true });
  expect((await put('bob', 'Auditor')).body).toEqual({ message: 'User updated' });
  expect((await home.call('PUT', '/users/bob/disable')).body).toEqual({ message: 'User disabled' });
  expect(await get('bob')).toMatchObject({ userRole: 'Auditor', enabled: false });
  expect((await home.call('DELETE', '/users/bob')).body).toEqual({ message: 'User deleted' });
  expect((await home.call('GET', '/users/bob')).status).toBe(404);
});

test('a taken user name or email is a conflict', async () => {
  expect((await create('root', 'X')).status).toBe(409);
  const { status } = await home.call('POST', '/users', { userName: 'else', userRole: 'X', email: 'ROOT@example.com' });
  expect(status).toBe(409);
  await create('bob', 'X');
  expect((await home.call('PUT', '/users/bob', { userRole: 'X', email: 'root@example.com' })).status).toBe(409);
});

test("ID-3: users are listed in pages, with SBT's names and with ours", async () => {
  for (let i = 0; i < 7; i++) await create(`user${i}`, 'X');
  const found: Body[] = [];
  let token = '';
  do {
    const { body } = await home.call('GET', `/users?limit=3&next_token=${encodeURIComponent(token)}`);
    found.push(...body.data);
    token = body.next_token ?? '';
  } while (token !== '');
  expect(found.map(({ userName }) => userName)).toEqual(['root', ...Array.from({ length: 7 }, (_, i) => `user${i}`)]);
  expect(found.every((one) => one.user_name === one.userName && one.user_role === one.userRole)).toBe(true);
});

test('OB-1: no response holds a password; the invitation is sent by mail only', async () => {
  await create('invited', 'X');
  const responses = await Promise.all([home.call('GET', '/users'), home.call('GET', '/users/invited')]);
  const [mail] = (await home.mails()).filter(({ to }) => to === 'invited@example.com');
  expect(mail).toBeDefined();
  for (const { text } of responses) expect(text).not.toMatch(/"(password|secret|hash|subject)"|scrypt/i);
});
