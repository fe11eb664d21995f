import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { insertTenant } from '../../../../control-plane/api/tenants/tenant-store.ts';
import type { Identity, NewUser } from '../../../../core/ports/identity.ts';
import type { Body } from '../home.ts';
import { type LightHome, startLightHome } from '../light-home.ts';
import { tenantRecord } from './stored-tenants.ts';

const TENANT = 'acme0000';
const PASSWORD = 'Correct-horse-7';

let home: LightHome;
let identity: Identity;
beforeEach(async () => {
  home = await startLightHome();
  identity = home.deps.identity;
  await insertTenant(home.deps, tenantRecord(), []);
});
afterEach(async () => home[Symbol.asyncDispose]());

function admin(name: string, more: Partial<NewUser> = {}): NewUser {
  return { userName: `${name}@x.test`, email: `${name}@x.test`, role: 'TenantAdmin', tenantId: TENANT, ...more };
}

async function invite(body: Body = {}, tenantId = TENANT): Promise<[status: number, outcome: unknown]> {
  const { status, body: reply } = await home.call('POST', `/tenants/${tenantId}/invitation`, body);
  return [status, status === 200 ? reply.data : reply.message];
}

const invited = (name: string, created = false) => [
  200,
  { userName: `${name}@x.test`, email: `${name}@x.test`, created },
];

describe('ID-7: a tenant whose administrators cannot sign in', () => {
  test('has the only one who has never signed in invited again, whoever else it has', async () => {
    await identity.createUser('pool', admin('signed-in', { password: PASSWORD }));
    await identity.createUser('pool', admin('member', { role: 'TenantUser' }));
    await identity.createUser('pool', admin('other', { tenantId: 'globex00' }));
    await identity.createUser('pool', admin('disabled'));
    await identity.setUserEnabled('pool', 'disabled@x.test', false);
    const none = [
      409,
      expect.stringMatching(/^Every enabled administrator of the tenant has signed in; name a new one by email/),
    ];
    expect(await invite()).toEqual(none);
    await identity.createUser('pool', admin('waiting'));
    const calls = home.credentials.calls.length;
    expect(await invite()).toEqual(invited('waiting'));
    expect(home.credentials.calls.slice(calls)).toEqual(['invite']);
  });

  test('must say which one if several have never signed in', async () => {
    for (const name of ['a', 'b']) await identity.createUser('pool', admin(name));
    const message = 'Several administrators have not signed in yet; name one by email: a@x.test, b@x.test';
    expect(await invite()).toEqual([409, message]);
    expect(await invite({ email: 'B@X.test' })).toEqual(invited('b'));
  });

  test('can appoint a new one, but nobody who is another kind of user', async () => {
    await identity.createUser('pool', admin('member', { role: 'TenantUser' }));
    expect(await invite({ email: 'new@x.test' })).toEqual(invited('new', true));
    expect(await identity.user('pool', 'new@x.test')).toMatchObject({ role: 'TenantAdmin', tenantId: TENANT });
    expect(await invite({ email: 'new@x.test' })).toEqual(invited('new'));
    expect((await invite({ email: 'member@x.test' }))[0]).toBe(409);
  });

  test('must be active, whoever its administrators are', async () => {
    const waiting = {
      tenantId: 'globex00',
      slug: 'globex',
      email: 'boss@globex.example',
      state: 'registered',
    } as const;
    await insertTenant(home.deps, tenantRecord(waiting), []);
    const refusal = [409, 'The tenant must be active, but it is registered'];
    for (const body of [{}, { email: 'new@x.test' }]) expect(await invite(body, 'globex00')).toEqual(refusal);
  });

  test('finds its administrator behind pages of other users', async () => {
    await identity.createUser('pool', admin('z'));
    const { table } = home.deps;
    const query = table.query.bind(table);
    const pages: unknown[] = [];
    Object.assign(table, {
      query(given: Parameters<typeof query>[0]) {
        const { pk, after, limit } = given;
        pages.push({ pk, after, limit });
        return after === undefined ? Promise.resolve({ items: [], next: 'a' }) : query(given);
      },
    });
    expect(await invite()).toEqual(invited('z'));
    const pk = `user#pool#tenant#${TENANT}`;
    expect(pages).toEqual([
      { pk, after: undefined, limit: 100 },
      { pk, after: 'a', limit: 100 },
    ]);
  });

  test('is invited in its own realm, in the name of the company', async () => {
    const own = 'globex00';
    const record = { tenantId: own, tenantName: 'Globex Inc', slug: 'globex-inc', email: 'boss@globex.example' };
    await insertTenant(home.deps, tenantRecord({ ...record, tier: 'premium' }), []);
    const missing = 'The users of the tenant are not in a user pool of this platform';
    expect(await invite({ email: 'boss@x.test' }, own)).toEqual([409, missing]);
    await identity.ensureRealm({ id: `tenant-${own}`, displayName: 'Globex Inc', tenantId: own });
    const names: unknown[] = [];
    const { issue, invite: again } = home.credentials;
    home.credentials.issue = (...given) => {
      names.push(given[1].invitation);
      return issue.apply(home.credentials, given);
    };
    home.credentials.invite = (...given) => {
      names.push(given[2]);
      return again.apply(home.credentials, given);
    };
    expect(await invite({ email: 'boss@x.test' }, own)).toEqual(invited('boss', true));
    expect(await invite({}, own)).toEqual(invited('boss'));
    expect(names).toEqual(Array(2).fill({ tenantName: 'Globex Inc', slug: 'globex-inc' }));
    expect(await identity.user('pool', 'boss@x.test')).toBeUndefined();
  });
});
