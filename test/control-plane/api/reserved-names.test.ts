import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newRecord } from '../../../control-plane/api/tenants/register.ts';
import { insertTenant } from '../../../control-plane/api/tenants/tenant-store.ts';
import { reservedSlugs } from '../../../core/tenant/reserved-names.ts';
import { type Body, type Home, registration, startHome } from './home.ts';

let home: Home;
let known: { tenantId: string; tenantRegistrationId: string };
beforeAll(async () => {
  home = await startHome();
  Object.assign(home.deps, { reservedSlugs: reservedSlugs(['www', 'Status Page'], ['https://shop.example.com']) });
  known = await home.register('Known');
});
afterAll(async () => home[Symbol.asyncDispose]());

const PASSWORD = 'Correct-horse-1';
const email = 'a@new.example';
const data = (tenantName: string) => ({ tenantName, email, tier: 'basic' });

/** Every way to give a tenant a name, with the path of the name in the body. */
const WAYS: readonly (readonly [string, string[], (name: string) => Promise<Body>])[] = [
  [
    'a registration',
    ['body', 'tenantData', 'tenantName'],
    (name) => home.call('POST', '/tenant-registrations', { tenantData: data(name) }),
  ],
  ['an internal registration', ['body', 'tenantName'], (name) => home.call('POST', '/tenants', data(name), MACHINE)],
  [
    'a sign-up',
    ['body', 'tenant_name'],
    (name) => {
      home.advance(3_600_000);
      return home.call('POST', '/onboarding', { tenant_name: name, email, password: PASSWORD }, { token: 'none' });
    },
  ],
  [
    'a new name',
    ['body', 'tenantData', 'tenantName'],
    (name) =>
      home.call('PATCH', `/tenant-registrations/${known.tenantRegistrationId}`, { tenantData: { tenantName: name } }),
  ],
];
const MACHINE = { token: 'machine' } as const;
const ID = '01kazy9t3q8h2v5w7x0r4m6n8p';

describe.each(WAYS)('ON-9: %s', (_way, loc, give) => {
  test.each(['www', 'WWW.', 'ｗｗｗ', 'status-page', 'Statüs Page', 'shop', 'shop.example.com'])(
    'cannot give the reserved name %j',
    async (name) => {
      const before = home.stored();
      const { status, body } = await give(name);
      expect([status, body.detail]).toEqual([
        422,
        [{ loc, type: 'reserved', msg: 'is reserved by the platform; choose another name' }],
      ]);
      expect(home.stored()).toEqual(before);
    },
  );

  test.each([
    ID,
    ID.toUpperCase(),
    `-${ID}.`,
    `reg-${ID}`,
    `tenant ${ID}`,
    'zero\u200bwidth',
    'bidi\u202e',
    'a\u2028b',
    '.',
    '//',
  ])('cannot give the name %j', async (name) => {
    const before = home.stored();
    const { status, body } = await give(name);
    expect([status, body.detail.map((one: Body) => one.loc)]).toEqual([422, [loc]]);
    expect(home.stored()).toEqual(before);
  });
});

test('ON-9: without a list, the names of RESERVED_NAMES are reserved', async () => {
  const { reservedSlugs: _, ...deps } = home.deps;
  Object.assign(home.deps, { reservedSlugs: undefined });
  expect((await home.call('POST', '/tenant-registrations', registration('Admin'))).status).toBe(422);
  expect((await home.call('POST', '/tenant-registrations', registration('Help Desk'))).status).toBe(201);
  Object.assign(home.deps, deps);
});

test.each([ID, 'www'])(
  'ON-9: a tenant that was called %j before can be found, changed, retried and deleted',
  async (name) => {
    const extras = { tenantExtras: {}, registrationExtras: {}, statusGiven: false };
    const record = newRecord(home.deps, { ...data(name), email: `a@${name}.example`, tier: 'basic', ...extras });
    await insertTenant(home.deps, { ...record, state: 'failed' }, []);
    const path = `/tenant-registrations/reg-${record.tenantId}`;
    const found = (await home.call('GET', `/tenants?name=${name}`)).body.data;
    expect(found.map((one: Body) => one.tenantId)).toEqual([record.tenantId]);
    const edit = await home.call('PATCH', path, { tenantData: { note: 'kept' } });
    expect([edit.status, edit.body.data.tenant]).toMatchObject([200, { tenantName: name, note: 'kept' }]);
    expect((await home.call('POST', `${path}/retry`)).status).toBe(200);
    const rename = await home.call('PATCH', path, { tenantData: { tenantName: `Formerly ${name}` } });
    expect(rename.status).toBe(200);
    expect((await home.call('DELETE', path)).status).toBe(200);
  },
);
