import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type CryptoKey, importJWK, SignJWT } from 'jose';
import { realmKeysKey } from '../../../../../adapters/embedded/identity/realm-keys.ts';
import { API_AUDIENCE, CLI_CLIENT } from '../../../../../core/identity/issuers.ts';
import { OWN_ACCOUNT_OPERATIONS } from '../../../../../core/identity/users-api/own-account.ts';
import { USERS_OPERATIONS } from '../../../../../core/identity/users-api/users-operations.ts';
import type { User } from '../../../../../core/ports/identity.ts';
import { beforeNextWrite } from '../../../../support/before-next-write.ts';
import { holdRequest } from '../../../../support/held-request.ts';
import { ACME, type RealmServer, startRealmServer } from '../realm-server.ts';

const TARGET = 'target@acme.example';
/** A body that is valid for each operation with one, so that nothing but the caller keeps it from having its effect. */
const BODIES: Readonly<Record<string, object>> = {
  createUser: { email: 'late@acme.example', role: 'TenantAdmin' },
  changeUser: { role: 'TenantAdmin', enabled: false },
  password: { oldPassword: 'Correct-horse-7', newPassword: 'Battery-staple-8' },
};

let server: RealmServer;
let key: CryptoKey;
let count = 0;

beforeAll(async () => {
  server = await startRealmServer();
  const stored = await server.table.get(realmKeysKey('pool'));
  key = (await importJWK(stored?.data.keys[0] ?? {}, 'ES256')) as CryptoKey;
  await newUser(TARGET, 'TenantUser');
  await newUser('stays@acme.example', 'TenantAdmin');
});
afterAll(async () => server?.close());

function newUser(email: string, role: string): Promise<User> {
  return server.identity.createUser('pool', {
    userName: email,
    email,
    role,
    tenantId: ACME,
    password: 'Correct-horse-7',
  });
}

async function tokenOf({ subject }: User): Promise<string> {
  const stored = await server.table.get(realmKeysKey('pool'));
  const claims = { client_id: CLI_CLIENT, token_use: 'access', tenantId: ACME, tier: 'basic', role: 'TenantAdmin' };
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', kid: stored?.data.keys[0]?.kid ?? '' })
    .setIssuer(server.issuer('pool'))
    .setSubject(subject)
    .setAudience(API_AUDIENCE)
    .setIssuedAt()
    .setExpirationTime('10m')
    .sign(key);
}

const DEMOTED = 'the caller is demoted';
/** What can happen to the caller or the tenant while the body is on its way, and the status that follows. */
const LOSSES: readonly (readonly [string, number, (caller: User) => unknown])[] = [
  [DEMOTED, 403, ({ userName }) => server.identity.updateUser('pool', userName, { role: 'TenantUser' })],
  ['the caller signs out everywhere', 401, ({ userName }) => server.identity.endSessions('pool', userName)],
  ['the caller is disabled', 401, ({ userName }) => server.identity.setUserEnabled('pool', userName, false)],
  ['the caller is deleted', 401, ({ userName }) => server.identity.deleteUser('pool', userName)],
  ['the tenant is suspended or deleted', 403, () => server.changeTenant(ACME, { active: false })],
];

/** Everything that an operation may change. */
function effects(): unknown {
  return server.table.database.statement('SELECT * FROM items ORDER BY pk, sk').all();
}

async function hold(id: string, method: string, path: string) {
  server.changeTenant(ACME, { active: true });
  const caller = await newUser(`caller-${count++}@acme.example`, 'TenantAdmin');
  const url = `${server.issuer('pool')}${path.replace('{userName}', encodeURIComponent(TARGET))}`;
  const headers = { authorization: `Bearer ${await tokenOf(caller)}` };
  return { caller, held: await holdRequest(url, { method, headers, body: JSON.stringify(BODIES[id] ?? {}) }) };
}

/** Other operations act as soon as the head has arrived. */
const WITH_BODY = [...USERS_OPERATIONS, ...OWN_ACCOUNT_OPERATIONS].filter(({ body }) => body);

/** Users change their own account in any role. A tenant that is not active makes them unknown. */
function lossesOf(path: string): typeof LOSSES {
  if (!path.startsWith('/me/')) return LOSSES;
  return LOSSES.filter(([what]) => what !== DEMOTED).map(([what, , lose]) => [what, 401, lose]);
}

describe.each(WITH_BODY)('ID-4: $method $path, whose body is still on its way', ({ id, method, path, body }) => {
  test.each(lossesOf(path))('when %s, is refused with %i, and nothing changes', async (_what, status, lose) => {
    expect(body?.safeParse(BODIES[id]).success).toBe(true);
    const { caller, held } = await hold(id, method, path);
    await lose(caller);
    const before = effects();
    expect((await held.finish()).status).toBe(status);
    expect(effects()).toEqual(before);
  });

  test.each(lossesOf(path).filter(([what]) => !what.includes('tenant')))(
    'when %s even at the moment of the write, is refused with %i, and nothing changes',
    async (_what, status, lose) => {
      const { caller, held } = await hold(id, method, path);
      let before: unknown;
      beforeNextWrite(server.table, async () => {
        await lose(caller);
        before = effects();
      });
      expect((await held.finish()).status).toBe(status);
      expect(before).toBeDefined();
      expect(effects()).toEqual(before);
    },
  );
});

test('there is a valid body here for each operation with one, and for no other', () => {
  expect(WITH_BODY.map(({ id }) => id).sort()).toEqual(Object.keys(BODIES).sort());
});

test.each(WITH_BODY)('$method $path has its effect if nothing happens meanwhile', async ({ id, method, path }) => {
  const { held } = await hold(id, method, path);
  expect((await held.finish()).status).toBeLessThan(300);
});

test.each(WITH_BODY)('$method $path refuses a stranger before the body has arrived', async ({ id, method, path }) => {
  const url = `${server.issuer('pool')}${path.replace('{userName}', encodeURIComponent(TARGET))}`;
  const held = await holdRequest(url, { method, headers: {}, body: JSON.stringify(BODIES[id]) });
  expect((await held.early()).status).toBe(401);
});
