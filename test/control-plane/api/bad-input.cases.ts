import { encodePageToken } from '../../../core/http/page-token.ts';
import { MAX_EXTRA_BYTES, MAX_EXTRA_KEYS } from '../../../core/tenant/reserved.ts';
import { type Body, registration } from './home.ts';

/** A registration of Acme, with `tenantData` in place of its own and `rest` beside it. */
export function registering(tenantData: object, rest: object = {}): Body {
  const { tenantName, email, tier } = registration('Acme').tenantData;
  return { tenantData: { tenantName, email, tier, ...tenantData }, tenantRegistrationData: {}, ...rest };
}

const manyKeys = Object.fromEntries(Array.from({ length: MAX_EXTRA_KEYS + 1 }, (_, i) => [`key${i}`, i]));
const ID = '01kazy9t3q8h2v5w7x0r4m6n8p';
const LONG_EMAIL = `${'x'.repeat(64)}@${'d'.repeat(60)}.co`.padEnd(129, 'm');
/** Name, body, path of the field, type of the error. */
export const registrations: readonly (readonly [string, Body, string, string])[] = [
  ['no body', undefined, 'body', 'missing'],
  ['a list for a body', [], 'body', 'dict_type'],
  ['no tenantData', {}, 'body.tenantData', 'missing'],
  ['tenantData that is text', { tenantData: 'acme' }, 'body.tenantData', 'dict_type'],
  ['no name', registering({ tenantName: undefined }), 'body.tenantData.tenantName', 'missing'],
  ['a name of one letter', registering({ tenantName: 'a' }), 'body.tenantData.tenantName', 'value_error'],
  ['a name of 64 letters', registering({ tenantName: 'a'.repeat(64) }), 'body.tenantData.tenantName', 'value_error'],
  ['a name with a slash', registering({ tenantName: 'a/b' }), 'body.tenantData.tenantName', 'value_error'],
  ['a name without letters', registering({ tenantName: '--' }), 'body.tenantData.tenantName', 'value_error'],
  ['a name in the form of an id', registering({ tenantName: ID }), 'body.tenantData.tenantName', 'value_error'],
  ['an id in capitals', registering({ tenantName: ID.toUpperCase() }), 'body.tenantData.tenantName', 'value_error'],
  [
    'the form of a registration id',
    registering({ tenantName: `reg-${ID}` }),
    'body.tenantData.tenantName',
    'value_error',
  ],
  ['a reserved name', registering({ tenantName: 'Admin' }), 'body.tenantData.tenantName', 'reserved'],
  ['a reserved name, full width', registering({ tenantName: 'ｗｗｗ' }), 'body.tenantData.tenantName', 'reserved'],
  [
    'a zero-width space in a name',
    registering({ tenantName: 'Ac\u200bme' }),
    'body.tenantData.tenantName',
    'value_error',
  ],
  ['a bidi control in a name', registering({ tenantName: 'Ac\u202eme' }), 'body.tenantData.tenantName', 'value_error'],
  [
    'a line separator in a name',
    registering({ tenantName: 'Ac\u2028me' }),
    'body.tenantData.tenantName',
    'value_error',
  ],
  ['an email of 129 characters', registering({ email: LONG_EMAIL }), 'body.tenantData.email', 'string_too_long'],
  ['an integer that cannot be kept', registering({ serial: 2 ** 53 }), 'body.tenantData.serial', 'int_size'],
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

/** Method, path, body, path of the field, type of the error. */
export const queriesAndOthers: readonly (readonly [string, string, Body, string, string])[] = [
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
  ['GET', '/tenants?limit=1&limit=0', undefined, 'query.limit', 'greater_than'],
  ['GET', '/users?limit=61', undefined, 'query.limit', 'less_than_equal'],
  ['POST', '/users', { userName: '..', userRole: 'x', email: 'a@b.co' }, 'body.userName', 'value_error'],
  ...['CORP\\jdoe', '../x', 'a/b', 'who?', 'eve@elsewhere.example', 'a\u200bb'].map(
    (userName) =>
      ['POST', '/users', { userName, userRole: 'x', email: 'a@b.co' }, 'body.userName', 'value_error'] as const,
  ),
  ['POST', '/users', { userName: 'u', userRole: 'a\u202eb', email: 'a@b.co' }, 'body.userRole', 'value_error'],
  [
    'POST',
    '/onboarding',
    { tenant_name: 'www', email: 'a@b.co', password: 'Correct-horse-1' },
    'body.tenant_name',
    'reserved',
  ],
  ['POST', '/users', undefined, 'body', 'missing'],
];

/** Method, path, message. */
export const notFound: readonly (readonly [string, string, string])[] = [
  ['GET', '/tenants/nope', 'Tenant not found for id nope'],
  ['GET', '/tenants/%00', 'Tenant not found for id \u0000'],
  ['GET', '/tenants/..%2Ftenants', 'Tenant not found for id ../tenants'],
  ['GET', '/tenant-registrations/reg-zzzzzzzzzz', 'Tenant registration not found for id reg-zzzzzzzzzz'],
  ['DELETE', '/tenant-registrations/nope', 'Tenant registration not found for id nope'],
  ['POST', '/tenant-registrations/nope/retry', 'Tenant registration not found for id nope'],
  ['GET', '/users/nope', 'User nope not found.'],
  ['POST', '/users/nope/invitation', 'User nope not found.'],
  ['DELETE', '/users/nope/sessions', 'User nope not found.'],
  ['PUT', '/users/nope/enable', 'User nope not found.'],
  ['PUT', '/users/nope/disable', 'User nope not found.'],
];

const tooLong = 'a'.repeat(3000);
const change = { userRole: 'x', email: 'a@b.co' };
/** Method, path, status, body. As in SBT, the deletion of an unknown user gets 200. */
export const changes: readonly (readonly [string, string, number, Body])[] = [
  ['PATCH', '/tenant-registrations/nope', 404, {}],
  ['PUT', '/users/nope', 404, change],
  ['DELETE', '/users/nope', 200, undefined],
  ...[tooLong, 'a%20b', 'a%0A', '%E2%80%AE'].flatMap(
    (name) =>
      [
        ['GET', `/users/${name}`, 404, undefined],
        ['PUT', `/users/${name}`, 404, change],
        ['PUT', `/users/${name}/disable`, 404, undefined],
        ['DELETE', `/users/${name}`, 200, undefined],
      ] as const,
  ),
];

/** Changes of a tenant that an admin may not make, and the path of the field. */
export const badUpdates: readonly (readonly [Body, string])[] = [
  [{ tenantData: { tier: 'premium' } }, 'body.tenantData.tier'],
  [{ tenantData: { state: 'active' } }, 'body.tenantData.state'],
  [{ tenantData: { tenantConfig: '{}' } }, 'body.tenantData.tenantConfig'],
  [{ tenantData: { tenantId: 'x' } }, 'body.tenantData.tenantId'],
  [{ tenantData: { email: 'no' } }, 'body.tenantData.email'],
  [{ tenantRegistrationData: { registrationStatus: 'created' } }, 'body.tenantRegistrationData.registrationStatus'],
  [{ tenantRegistrationData: { sbtaws_active: false } }, 'body.tenantRegistrationData.sbtaws_active'],
  [{ jobOutput: {} }, 'body.jobOutput'],
];

/** Texts that no list returns as its `next_token`. */
export const BAD_PAGE_TOKENS = [
  'nope',
  'WzAsMV0',
  '%2500',
  '%00',
  btoa('[-1,null]'),
  btoa('{}'),
  'a'.repeat(600),
  encodePageToken('another list', 'a'),
];
