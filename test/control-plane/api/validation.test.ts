import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Body, type Home, registration, startHome } from './home.ts';

let home: Home;
let known: { tenantId: string; tenantRegistrationId: string };
beforeAll(async () => {
  home = await startHome();
  known = await home.register('Known');
});
afterAll(async () => home[Symbol.asyncDispose]());

describe("a registration of SBT's clients is accepted:", () => {
  test('with a tenantId beside tenantData, which is ignored', async () => {
    const { status, body } = await home.call('POST', '/tenant-registrations', {
      ...registration('Beside'),
      tenantId: 'mine',
    });
    expect(status).toBe(201);
    expect(body.data.tenantId).toMatch(/^[a-z0-9]{8,26}$/);
  });

  test('with a tier in upper or lower case', async () => {
    const { tenantId } = await home.register('Loud', 'PREMIUM');
    expect((await home.call('GET', `/tenants/${tenantId}`)).body.data.tier).toBe('premium');
  });

  test('with own keys, which are stored, shown and sent in events', async () => {
    const body = registration('Priced');
    body.tenantData.prices = [{ id: 'p1', metricName: 'm' }];
    body.tenantRegistrationData.channel = { name: 'fair', constructor: null };
    const { data } = (await home.call('POST', '/tenant-registrations', body)).body;
    const tenant = (await home.call('GET', `/tenants/${data.tenantId}`)).body.data;
    const own = (await home.call('GET', `/tenant-registrations/${data.tenantRegistrationId}`)).body.data;
    expect([tenant.prices, own.channel]).toEqual([body.tenantData.prices, body.tenantRegistrationData.channel]);
    expect((await home.outbox()).at(-1)?.detail).toMatchObject({
      prices: body.tenantData.prices,
      channel: own.channel,
    });
  });

  test('with a body on DELETE, which is ignored', async () => {
    const { tenantRegistrationId } = await home.register('Bodied');
    const path = `/tenant-registrations/${tenantRegistrationId}`;
    expect((await home.call('DELETE', path, { tenantId: 'x', anything: 1 })).status).toBe(200);
  });
});

describe('an update by an admin', () => {
  const patch = (body: Body) => home.call('PATCH', `/tenant-registrations/${known.tenantRegistrationId}`, body);

  test('cannot add more keys than a registration may have', async () => {
    const half = (from: number) => Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${from + i}`, i]));
    expect((await patch({ tenantData: half(0) })).status).toBe(200);
    expect((await patch({ tenantData: half(20) })).body.detail[0].loc).toEqual(['body', 'tenantData']);
  });

  test('removes a key whose value is null, as does a report of the application plane', async () => {
    const { tenantId, tenantRegistrationId } = await home.register('Nulled');
    const path = `/tenant-registrations/${tenantRegistrationId}`;
    const keys = { region: 'eu', plan: 'x', nested: { kept: null } };
    await home.call('PATCH', path, { tenantData: keys, tenantRegistrationData: { channel: 'fair' } });
    const removal = { tenantData: { region: null, unknown: null }, tenantRegistrationData: { channel: null } };
    const { body } = await home.call('PATCH', path, removal);
    expect(body.data.tenant).toMatchObject({ plan: 'x', nested: { kept: null } });
    expect(Object.keys(body.data.tenant)).not.toContain('region');
    expect(Object.keys(body.data.tenantRegistration)).not.toContain('channel');
    await home.call('PATCH', path, { tenantData: { plan: null } }, { token: 'machine' });
    expect(Object.keys((await home.call('GET', `/tenants/${tenantId}`)).body.data)).not.toContain('plan');
  });

  test('makes room by removing keys', async () => {
    const { tenantRegistrationId } = await home.register('Full');
    const path = `/tenant-registrations/${tenantRegistrationId}`;
    const full = Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`k${i}`, i]));
    expect((await home.call('PATCH', path, { tenantData: full })).status).toBe(200);
    expect((await home.call('PATCH', path, { tenantData: { more: 1 } })).status).toBe(422);
    expect((await home.call('PATCH', path, { tenantData: { more: 1, k0: null } })).status).toBe(200);
  });

  test.each(['tenantName', 'email'])('cannot remove %s', async (key) => {
    expect((await patch({ tenantData: { [key]: null } })).body.detail[0].loc).toEqual(['body', 'tenantData', key]);
  });

  test.each(['9007199254740992', '9007199254740993', '-9007199254740993', '12345678901234567890', '1e16', '[1,1e300]'])(
    'is refused for the number %s, which could be stored only after rounding',
    async (number) => {
      const before = home.stored();
      const { status, body } = await patch(`{"tenantData":{"serial":${number}}}`);
      expect([status, body.detail]).toEqual([
        422,
        [
          {
            loc: ['body', 'tenantData', 'serial', ...(number.startsWith('[') ? [1] : [])],
            type: 'int_size',
            msg: expect.stringContaining('send it as a string'),
          },
        ],
      ]);
      expect(home.stored()).toEqual(before);
    },
  );

  test('keeps the largest exact integers, and fractions', async () => {
    const { body } = await patch('{"tenantData":{"k0":9007199254740991,"k1":-9007199254740991,"k2":0.1,"k3":1e-9}}');
    expect(body.data.tenant).toMatchObject({ k0: 9007199254740991, k1: -9007199254740991, k2: 0.1, k3: 1e-9 });
  });

  test('ON-9: renames, frees the old name, keeps the id, and shows the new name at sign-in', async () => {
    const { tenantId, tenantRegistrationId } = await home.register('Before');
    const path = `/tenant-registrations/${tenantRegistrationId}`;
    const report = {
      tenantRegistrationData: { registrationStatus: 'created' },
      tenantData: { tenantConfig: '{"authServer":"a","tenantName":"Before"}' },
    };
    await home.call('PATCH', path, report, { token: 'machine' });
    const { body } = await home.call('PATCH', path, { tenantData: { tenantName: 'After' } });
    expect(body.data.tenant).toMatchObject({ tenantId, tenantName: 'After', slug: 'after', state: 'active' });
    expect((await home.call('GET', '/tenant-config/after')).body).toEqual({ authServer: 'a', tenantName: 'After' });
    await home.call('PATCH', path, { tenantData: { email: 'new@after.example' } });
    await home.register('Before');
  });
});

test("ON-9: an email of another pooled tenant's user is refused, except for premium, which has a realm of its own", async () => {
  const { identity } = home.deps;
  const user = { userName: 'u@pool.example', email: 'u@pool.example', role: 'TenantUser', tenantId: known.tenantId };
  await identity.createUser('pool', { ...user, password: 'Good-enough-1' });
  const body = registration('Pooled');
  body.tenantData.email = user.email;
  expect((await home.call('POST', '/tenant-registrations', body)).status).toBe(409);
  body.tenantData.tier = 'premium';
  expect((await home.call('POST', '/tenant-registrations', body)).status).toBe(201);
});

test.each([
  ['name', { tenantName: 'Known Secret' }],
  ['email', { email: 'boss@known-secret.example' }],
])('ON-9: a registration with a password whose %s is taken stores nothing', async (_what, taken) => {
  const tenantData = { tenantName: 'Known Secret', email: 'boss@known-secret.example', tier: 'premium' };
  const register = (data: object) =>
    home.call('POST', '/tenant-registrations', { tenantData: data, adminPassword: 'Good-enough-1' });
  // The second case finds the tenant of the first.
  await register(tenantData);
  const before = home.stored();
  const other = { tenantName: 'Other Secret', email: 'boss@other-secret.example', tier: 'premium', ...taken };
  expect((await register(other)).status).toBe(409);
  expect(home.stored()).toEqual(before);
});

/** The keys that only the platform sets, written down a second time on purpose. */
const PLATFORM_KEYS = [
  ...['tenantId', 'tenantRegistrationId', 'sbtaws_active', 'registrationStatus', 'tenantStatus', 'tenantConfig'],
  ...['state', 'reason', 'steps', 'slug', 'actions', 'created', 'modified', 'adminPassword', 'password'],
];

describe('SE-1.15: a registration that a client sends', () => {
  const send = (tenantData: object, tenantRegistrationData: object) =>
    home.call('POST', '/tenant-registrations', {
      tenantData: { tenantName: 'Reserved', email: 'a@reserved.example', tier: 'basic', ...tenantData },
      tenantRegistrationData,
    });

  test.each(PLATFORM_KEYS)('cannot set %s', async (key) => {
    const { status, body } = await send({ [key]: 'x' }, {});
    expect([status, body.detail[0].loc]).toEqual([422, ['body', 'tenantData', key]]);
  });

  test.each([...PLATFORM_KEYS.filter((key) => key !== 'registrationStatus'), 'tenantName', 'email', 'tier'])(
    'cannot set %s beside the tenant',
    async (key) => {
      const { status, body } = await send({}, { [key]: 'x' });
      expect([status, body.detail[0].loc]).toEqual([422, ['body', 'tenantRegistrationData', key]]);
    },
  );
});

describe('the configuration for sign-in', () => {
  const get = (query: string, headers: Record<string, string> = {}) =>
    home.call('GET', `/tenant-config${query}`, undefined, { token: 'none', headers });

  test('is found by the id, the name, or the first label of the origin', async () => {
    const { tenantId, tenantRegistrationId } = await home.register('Sign In');
    const config = { authServer: 'a', tenantName: 'Sign In' };
    const report = {
      tenantRegistrationData: { registrationStatus: 'created' },
      tenantData: { tenantConfig: JSON.stringify(config) },
    };
    await home.call('PATCH', `/tenant-registrations/${tenantRegistrationId}`, report, { token: 'machine' });
    const found = [
      await get(`?tenantId=${tenantId}`),
      await get('?tenantName=Sign%20In', { origin: 'https://other.example' }),
      await get('', { origin: 'https://sign-in.shop.example:8443' }),
    ];
    expect(found.map(({ status, body }) => [status, body])).toEqual(Array(3).fill([200, config]));
  });

  test('SE-6: is refused without a tenant, for an origin without a host, and for an unknown tenant', async () => {
    const refused = [
      await get(''),
      await get('', { origin: 'null' }),
      await get('?tenantId=unknown0'),
      await get('?tenantName=unknown'),
    ];
    expect(refused.map(({ status }) => status)).toEqual([400, 400, 404, 404]);
    expect(refused.slice(0, 2).map(({ body }) => body.message)).toEqual([
      'Origin header missing!',
      'Unable to parse tenant name!',
    ]);
  });
});
