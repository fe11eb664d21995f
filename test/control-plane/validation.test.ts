import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { MAX_EXTRA_BYTES, MAX_EXTRA_KEYS } from '../../core/tenant/reserved.ts';
import { type Body, type Home, registration, startHome } from './home.ts';

let home: Home;
let known: { tenantId: string; tenantRegistrationId: string };
beforeAll(async () => {
  home = await startHome();
  known = await home.register('Known');
});
afterAll(async () => home[Symbol.asyncDispose]());

function registering(tenantData: object, rest: object = {}): Body {
  const { tenantName, email, tier } = registration('Acme').tenantData;
  return { tenantData: { tenantName, email, tier, ...tenantData }, tenantRegistrationData: {}, ...rest };
}

const manyKeys = Object.fromEntries(Array.from({ length: MAX_EXTRA_KEYS + 1 }, (_, i) => [`key${i}`, i]));
const registrations: readonly (readonly [string, Body, string, string])[] = [
  ['no body', undefined, 'body', 'missing'],
  ['a list for a body', [], 'body', 'dict_type'],
  ['no tenantData', {}, 'body.tenantData', 'missing'],
  ['tenantData that is text', { tenantData: 'acme' }, 'body.tenantData', 'dict_type'],
  ['no name', registering({ tenantName: undefined }), 'body.tenantData.tenantName', 'missing'],
  ['a name of one letter', registering({ tenantName: 'a' }), 'body.tenantData.tenantName', 'value_error'],
  ['a name of 64 letters', registering({ tenantName: 'a'.repeat(64) }), 'body.tenantData.tenantName', 'value_error'],
  ['a name with a slash', registering({ tenantName: 'a/b' }), 'body.tenantData.tenantName', 'value_error'],
  ['a name without letters', registering({ tenantName: '--' }), 'body.tenantData.tenantName', 'value_error'],
  ['a name that is a number', registering({ tenantName: 7 }), 'body.tenantData.tenantName', 'string_type'],
  ['an unknown tier', registering({ tier: 'platinum' }), 'body.tenantData.tier', 'enum'],
  ['no tier', registering({ tier: undefined }), 'body.tenantData.tier', 'missing'],
  ['a tier that is null', registering({ tier: null }), 'body.tenantData.tier', 'string_type'],
  ['no email', registering({ email: undefined }), 'body.tenantData.email', 'missing'],
  ['a bad email', registering({ email: 'acme' }), 'body.tenantData.email', 'value_error'],
  ['an email of two lines', registering({ email: 'a@b.co\nbcc: c@d.co' }), 'body.tenantData.email', 'value_error'],
  ['its own tenantId', registering({ tenantId: 'mine' }), 'body.tenantData.tenantId', 'extra_forbidden'],
  ['sbtaws_active', registering({ sbtaws_active: false }), 'body.tenantData.sbtaws_active', 'extra_forbidden'],
  ['a state', registering({ state: 'active' }), 'body.tenantData.state', 'extra_forbidden'],
  ['a tenantStatus', registering({ tenantStatus: 'x' }), 'body.tenantData.tenantStatus', 'extra_forbidden'],
  ['a tenantConfig', registering({ tenantConfig: '{}' }), 'body.tenantData.tenantConfig', 'extra_forbidden'],
  [
    'its own registration id',
    registering({}, { tenantRegistrationData: { tenantRegistrationId: 'mine' } }),
    'body.tenantRegistrationData.tenantRegistrationId',
    'extra_forbidden',
  ],
  [
    'a status of its own',
    registering({}, { tenantRegistrationData: { registrationStatus: 'created' } }),
    'body.tenantRegistrationData.registrationStatus',
    'enum',
  ],
  [
    "the tenant's tier in the registration's data",
    registering({}, { tenantRegistrationData: { tier: 'premium' } }),
    'body.tenantRegistrationData.tier',
    'extra_forbidden',
  ],
  ['an unknown top-level key', registering({}, { role: 'x' }), 'body.role', 'extra_forbidden'],
  ['33 keys of its own', registering(manyKeys), 'body.tenantData', 'too_long'],
  ['over 8 KB of its own', registering({ notes: 'x'.repeat(MAX_EXTRA_BYTES) }), 'body.tenantData', 'too_long'],
  ['a weak admin password', registering({}, { adminPassword: 'short' }), 'body.adminPassword', 'password_policy'],
];

describe('SE-6: a registration is refused with the path of the field, and changes nothing, for', () => {
  test.each(registrations)('%s', async (_name, body, path, type) => {
    const before = await snapshot();
    const answer = await home.call('POST', '/tenant-registrations', body);
    expect(answer).toMatchObject({ status: 422, body: { statusCode: 422 } });
    expect(pathsOf(answer.body)).toContainEqual([path, type]);
    expect(await snapshot()).toEqual(before);
  });

  test('a key named __proto__, at any depth', async () => {
    const answer = await home.call('POST', '/tenant-registrations', '{"tenantData":{"__proto__":{"tier":"premium"}}}');
    expect([answer.status, pathsOf(answer.body)]).toEqual([422, [['body.tenantData.__proto__', 'extra_forbidden']]]);
  });

  test.each([40, 2_000, 300_000])('an own key that nests %i deep', async (depth) => {
    const text = JSON.stringify(registering({ deep: 0 })).replace(
      '"deep":0',
      `"deep":${'['.repeat(depth)}${']'.repeat(depth)}`,
    );
    const answer = await home.call('POST', '/tenant-registrations', text);
    expect([answer.status, pathsOf(answer.body)]).toEqual([422, [['body.tenantData.deep.0', 'recursion_loop']]]);
  });

  test.each([
    ['a number past a double', '1e999', 'finite_number'],
    ['half a surrogate pair', '"\\ud800"', 'string_unicode'],
  ])('%s, anywhere', async (_name, json, type) => {
    const text = JSON.stringify(registering({ mine: { deep: 0 } })).replace('"deep":0', `"deep":${json}`);
    const answer = await home.call('POST', '/tenant-registrations', text);
    expect([answer.status, pathsOf(answer.body)]).toEqual([422, [['body.tenantData.mine.deep', type]]]);
  });

  test('text that is no UTF-8, with 400', async () => {
    const [before, after] = JSON.stringify(registering({ mine: '|' })).split('|');
    const body = Buffer.concat([Buffer.from(before ?? ''), Buffer.from([0xff, 0xfe]), Buffer.from(after ?? '')]);
    const answer = await fetch(`${home.url}/tenant-registrations`, { method: 'POST', body });
    expect([answer.status, await answer.json()]).toEqual([
      400,
      { statusCode: 400, message: 'Request body is not valid UTF-8' },
    ]);
  });

  test('what is missing or of a wrong kind, in plain words', async () => {
    const { body } = await home.call('POST', '/tenant-registrations', {
      tenantData: { tenantName: 7 },
      adminPassword: [],
    });
    const words = body.detail.map(({ loc, msg }: Body) => `${loc.at(-1)} ${msg}`);
    expect(words).toEqual([
      'tenantName must be a string, got a number',
      'email must be an email address',
      'tier is required',
      'adminPassword must be a string, got a list',
    ]);
  });

  test('broken JSON, with 400', async () => {
    const answer = await home.call('POST', '/tenant-registrations', '{"tenantData":');
    expect([answer.status, answer.body]).toEqual([400, { statusCode: 400, message: 'Request body is not valid JSON' }]);
  });

  test('every fault of one body at once', async () => {
    const answer = await home.call('POST', '/tenant-registrations', { tenantData: { tier: 'x', tenantId: 'y' }, z: 1 });
    expect(pathsOf(answer.body).map(([path]) => path)).toEqual(
      expect.arrayContaining([
        'body.tenantData.tenantName',
        'body.tenantData.email',
        'body.tenantData.tier',
        'body.tenantData.tenantId',
        'body.z',
      ]),
    );
  });
});

const others: readonly (readonly [string, string, Body, string, string])[] = [
  ['POST', '/users', { userName: 'u', userRole: 'x' }, 'body.email', 'missing'],
  ['POST', '/users', { userName: 'u', userRole: 'x', email: 'no' }, 'body.email', 'value_error'],
  ['POST', '/users', { userName: 'a b', userRole: 'x', email: 'a@b.co' }, 'body.userName', 'value_error'],
  ['POST', '/users', { userName: 'u', userRole: '', email: 'a@b.co' }, 'body.userRole', 'string_too_short'],
  [
    'POST',
    '/users',
    { userName: 'u', userRole: 'x', email: 'a@b.co', enabled: true },
    'body.enabled',
    'extra_forbidden',
  ],
  ['POST', '/onboarding', { tenant_name: 'Initech', email: 'a@b.co' }, 'body.password', 'missing'],
  ['POST', '/operator/services/restart', { cluster: 'mine', service: 'orders' }, 'body.cluster', 'value_error'],
  ['POST', '/operator/services/scale', { cluster: 'pool', service: 'orders' }, 'body.desired', 'missing'],
  [
    'POST',
    '/operator/services/scale',
    { cluster: 'pool', service: 'orders', desired: -1 },
    'body.desired',
    'greater_than_equal',
  ],
  ['GET', '/tenants?limit=0', undefined, 'query.limit', 'greater_than'],
  ['GET', '/tenants?limit=', undefined, 'query.limit', 'int_parsing'],
  ['GET', '/tenants?limit=1.5', undefined, 'query.limit', 'int_parsing'],
  ['GET', '/tenants?state=dead', undefined, 'query.state', 'enum'],
  ['GET', '/tenants?tier=gold', undefined, 'query.tier', 'enum'],
  ['GET', '/tenants?name=--', undefined, 'query.name', 'value_error'],
  ['GET', '/tenants?include=all', undefined, 'query.include', 'enum'],
  ['GET', '/users?limit=61', undefined, 'query.limit', 'less_than_equal'],
];

test.each(others)('SE-6: %s %s of %j is refused at %s', async (method, path, body, where, type) => {
  const answer = await home.call(method, path, body);
  expect([answer.status, pathsOf(answer.body)]).toEqual([422, expect.arrayContaining([[where, type]])]);
});

test.each([
  ['GET', '/tenants/nope', 'Tenant not found for id nope'],
  ['GET', '/tenants/%00', 'Tenant not found for id \u0000'],
  ['GET', '/tenants/..%2Ftenants', 'Tenant not found for id ../tenants'],
  ['GET', '/tenant-registrations/reg-zzzzzzzzzz', 'Tenant registration not found for id reg-zzzzzzzzzz'],
  ['DELETE', '/tenant-registrations/nope', 'Tenant registration not found for id nope'],
  ['POST', '/tenant-registrations/nope/retry', 'Tenant registration not found for id nope'],
  ['PUT', '/users/nope/enable', 'User nope not found.'],
  ['PUT', '/users/nope/disable', 'User nope not found.'],
])('%s %s is 404', async (method, path, message) => {
  const answer = await home.call(method, path);
  expect([answer.status, answer.body]).toEqual([404, { statusCode: 404, message }]);
});

test.each(['/nothing', '/tenants/a/b/c', '/tenants/%ZZ/x', '//', '/Tenants'])('%s is no route', async (path) => {
  const answer = await home.call('GET', path);
  expect([answer.status, answer.body]).toEqual([404, { message: 'Not Found' }]);
});

describe('a registration is taken as clients of the field send it:', () => {
  test('with a tenantId beside tenantData, which is ignored', async () => {
    const { status, body } = await home.call('POST', '/tenant-registrations', {
      ...registration('Beside'),
      tenantId: 'mine',
    });
    expect(status).toBe(201);
    expect(body.data.tenantId).toMatch(/^[a-z0-9]{8,26}$/);
  });

  test('with a tier in any case of letters', async () => {
    const { tenantId } = await home.register('Loud', 'PREMIUM');
    expect((await home.call('GET', `/tenants/${tenantId}`)).body.data.tier).toBe('premium');
  });

  test('with keys of its own, which are kept and shown and sent', async () => {
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

  test.each([
    [{ tenantData: { tier: 'premium' } }, 'body.tenantData.tier'],
    [{ tenantData: { state: 'active' } }, 'body.tenantData.state'],
    [{ tenantData: { tenantConfig: '{}' } }, 'body.tenantData.tenantConfig'],
    [{ tenantData: { tenantId: 'x' } }, 'body.tenantData.tenantId'],
    [{ tenantData: { email: 'no' } }, 'body.tenantData.email'],
    [{ tenantRegistrationData: { registrationStatus: 'created' } }, 'body.tenantRegistrationData.registrationStatus'],
    [{ tenantRegistrationData: { sbtaws_active: false } }, 'body.tenantRegistrationData.sbtaws_active'],
    [{ jobOutput: {} }, 'body.jobOutput'],
  ])('SE-1 15: of %j is refused', async (body, path) => {
    const answer = await patch(body);
    expect([answer.status, pathsOf(answer.body).map(([where]) => where)]).toEqual([422, [path]]);
  });

  test('cannot pile up more keys than a registration may have', async () => {
    const half = (from: number) => Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${from + i}`, i]));
    expect((await patch({ tenantData: half(0) })).status).toBe(200);
    expect((await patch({ tenantData: half(20) })).body.detail[0].loc).toEqual(['body', 'tenantData']);
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

  test('ON-9: refuses a taken name and a taken email', async () => {
    const other = await home.register('Other One');
    const path = `/tenant-registrations/${other.tenantRegistrationId}`;
    const byName = await home.call('PATCH', path, { tenantData: { tenantName: 'KNOWN' } });
    const byEmail = await home.call('PATCH', path, { tenantData: { email: 'Admin@Known.example' } });
    expect([byName.status, byName.body.message]).toEqual([409, "Tenant name 'KNOWN' is taken"]);
    expect([byEmail.status, byEmail.body.message]).toEqual([409, "Email 'Admin@Known.example' is taken"]);
  });
});

test('ON-9: a name that another living tenant has, in any spelling, is refused, and so is its email', async () => {
  const again = registration('Known');
  again.tenantData.email = 'else@known.example';
  for (const tenantName of ['Known', 'KNOWN', 'known.', ' known']) {
    again.tenantData.tenantName = tenantName;
    expect((await home.call('POST', '/tenant-registrations', again)).status).toBe(409);
  }
  const sameEmail = registration('Unknown');
  sameEmail.tenantData.email = 'ADMIN@known.example';
  expect((await home.call('POST', '/tenant-registrations', sameEmail)).status).toBe(409);
});

test("ON-9: an email of another pooled tenant's user is refused, except for premium, whose users are apart", async () => {
  const { identity } = home.deps;
  const user = { userName: 'u@pool.example', email: 'u@pool.example', role: 'TenantUser', tenantId: known.tenantId };
  await identity.createUser('pool', { ...user, password: 'Good-enough-1' });
  const body = registration('Pooled');
  body.tenantData.email = user.email;
  expect((await home.call('POST', '/tenant-registrations', body)).status).toBe(409);
  body.tenantData.tier = 'premium';
  expect((await home.call('POST', '/tenant-registrations', body)).status).toBe(201);
});

test('of two registrations of one name at the same time one wins', async () => {
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => home.call('POST', '/tenant-registrations', registration('Rush'))),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409]);
});

function pathsOf(body: Body): [string, string][] {
  return body.detail.map((one: Body) => [one.loc.join('.'), one.type]);
}

async function snapshot(): Promise<unknown> {
  return [(await home.outbox()).length, (await home.call('GET', '/tenants?limit=1000&include=deleted')).body];
}
