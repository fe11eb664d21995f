import { describe, expect, test } from '@jest/globals';
import { DomainError } from '../../../core/errors.ts';
import {
  requireStrongPassword,
  userTaken,
  validUser,
  validUserFields,
} from '../../../core/identity/users/user-rules.ts';
import type { NewUser, RealmSpec } from '../../../core/ports/identity.ts';

const ADMIN: RealmSpec = { id: 'admin', displayName: 'Administration' };
const POOL: RealmSpec = { id: 'pool', displayName: 'Shop' };
const SILO: RealmSpec = { id: 'tenant-acme0000', displayName: 'Acme', tenantId: 'acme0000' };

/** The error that `check` throws, or undefined. */
function refusalOf(check: () => void): DomainError | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
}

const ADA: NewUser = { userName: 'ada', email: 'ada@b.example', role: 'TenantUser', tenantId: 'acme0000' };

describe('SE-6: a field of a user', () => {
  test.each([
    { userName: 'a' },
    { userName: 'ü'.repeat(128) },
    { userName: 'Ada@B.example' },
    { email: 'r&d@b.example' },
    { role: 'TenantAdmin' },
    { role: 'x'.repeat(64) },
    {},
  ])('may be %j', (fields) => {
    expect(validUser(POOL, { ...ADA, ...fields })).toEqual({ ...ADA, ...fields });
  });

  test.each<[field: string, rule: string, fields: object]>([
    ['userName', 'must not be empty', { userName: '' }],
    ['userName', 'must have at most 128 characters', { userName: 'x'.repeat(129) }],
    ['userName', "must be the user's own email if it has the form of an email address", { userName: 'eve@b.example' }],
    ['email', 'must be an email address', { email: 'a' }],
    ['email', 'must have at most 128 characters', { email: `${'x'.repeat(64)}@${'d.'.repeat(40)}example` }],
    ['role', 'must not be empty', { role: '' }],
    ['role', 'must have at most 64 characters', { role: 'x'.repeat(65) }],
  ])('%s %s: %j is refused', (field, rule, fields) => {
    const error = refusalOf(() => validUser(POOL, { ...ADA, ...fields }));
    expect([error?.code, error?.message]).toEqual(['INVALID', `${field}: ${rule}`]);
    expect(error?.issues).toEqual([{ loc: ['body', field], type: 'value_error', msg: rule }]);
  });

  test('is stored without surrounding white space', () => {
    const given = { ...ADA, userName: ' ada ', email: ' ada@b.example', role: '\nTenantAdmin' };
    expect(validUser(POOL, given)).toEqual({ ...ADA, role: 'TenantAdmin' });
    expect(validUserFields({ email: ' ada@b.example' })).toEqual({ email: 'ada@b.example' });
  });

  test('is refused together with the others, and in a change', () => {
    const error = refusalOf(() => validUser(POOL, { ...ADA, userName: '', email: 'a' }));
    expect(error?.issues.map(({ loc }) => loc[1])).toEqual(['userName', 'email']);
    expect(error?.message).toMatch(/^userName: .*; email: /);
    expect(refusalOf(() => validUserFields({ email: 'a' }))?.message).toBe('email: must be an email address');
    expect(refusalOf(() => validUserFields({ role: '' }))?.message).toBe('role: must not be empty');
    expect(validUserFields({})).toEqual({});
  });
});

describe('ID-4: the tenant of a user', () => {
  const user = (tenantId?: string): NewUser => ({
    ...{ userName: 'a', email: 'a@b.example', role: 'TenantUser' },
    ...(tenantId !== undefined && { tenantId }),
  });

  test('does not replace the rules of the other fields', () => {
    expect(refusalOf(() => validUser(POOL, { ...user('acme0000'), role: '' }))?.message).toMatch(/^role: /);
  });

  test.each([
    ['no tenant in the realm of the administrators', ADMIN, undefined],
    ['any tenant in the pooled realm', POOL, 'globex00'],
    ["the realm's own tenant", SILO, 'acme0000'],
  ])('may be %s', (_what, realm, tenantId) => {
    expect(refusalOf(() => validUser(realm, user(tenantId)))).toBeUndefined();
  });

  test.each([
    ['a tenant in the realm of the administrators', ADMIN, 'acme0000'],
    ['no tenant in the pooled realm', POOL, undefined],
    ["no tenant in a tenant's realm", SILO, undefined],
    ["another tenant in a tenant's realm", SILO, 'globex00'],
  ])('cannot be %s', (_what, realm, tenantId) => {
    expect(refusalOf(() => validUser(realm, user(tenantId)))?.issues).toEqual([
      { loc: ['body', 'tenantId'], type: 'value_error', msg: 'must be a tenant that the realm holds' },
    ]);
  });
});

describe('ID-1: a password', () => {
  test('has at least 8 characters, and 12 for administrators', () => {
    expect(refusalOf(() => requireStrongPassword('pool', 'Abcd-12!'))).toBeUndefined();
    expect(refusalOf(() => requireStrongPassword('admin', 'Abcd-12!efgh'))).toBeUndefined();
    expect(refusalOf(() => requireStrongPassword('admin', 'Abcd-12!'))?.message).toMatch(/^password: .*12/);
    expect(refusalOf(() => requireStrongPassword('pool', 'Abcd-1!'))?.message).toMatch(/^password: .*8/);
  });

  test('that is too weak is refused by field, in a message that does not contain it', () => {
    const error = refusalOf(() => requireStrongPassword('pool', 'hunter2'));
    expect(error?.issues[0]).toMatchObject({ loc: ['body', 'password'], type: 'value_error' });
    expect([error?.code, error?.message.includes('hunter2')]).toEqual(['INVALID', false]);
  });
});

test.each([
  ['email', 'the email is taken'],
  ['userName', 'the user name is taken'],
] as const)('ON-9: the error for a taken %s names the field', (field, message) => {
  const cause = new Error('condition');
  const error = userTaken(field, cause);
  expect([error.code, error.message, error.cause]).toEqual(['CONFLICT', message, cause]);
  expect(error.issues).toEqual([{ loc: ['body', field], type: 'conflict', msg: message }]);
});
