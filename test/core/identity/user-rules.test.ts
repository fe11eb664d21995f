import { describe, expect, test } from '@jest/globals';
import { DomainError } from '../../../core/errors.ts';
import {
  requireStrongPassword,
  requireUser,
  requireUserFields,
  userTaken,
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

describe('SE-6: a field of a user', () => {
  test.each([
    { userName: 'a' },
    { userName: 'ü'.repeat(128) },
    { email: 'a@b.example' },
    { role: 'TenantAdmin' },
    { role: 'x'.repeat(64) },
    {},
  ])('may be %j', (fields) => {
    expect(refusalOf(() => requireUserFields(fields))).toBeUndefined();
  });

  test.each<[field: string, rule: string, fields: object]>([
    ['userName', 'must have 1 to 128 characters and no spaces', { userName: '' }],
    ['userName', 'must have 1 to 128 characters and no spaces', { userName: 'x'.repeat(129) }],
    ['userName', 'must have 1 to 128 characters and no spaces', { userName: 'a b' }],
    ['userName', 'must have 1 to 128 characters and no spaces', { userName: 'a\u0000' }],
    ['email', 'must be an email address', { email: 'a' }],
    ['role', 'must have 1 to 64 characters', { role: '' }],
    ['role', 'must have 1 to 64 characters', { role: '\nTenantAdmin' }],
    ['role', 'must have 1 to 64 characters', { role: 'TenantAdmin\n' }],
  ])('%s %s: %j is refused', (field, rule, fields) => {
    const error = refusalOf(() => requireUserFields(fields));
    expect([error?.code, error?.message]).toEqual(['INVALID', `${field}: ${rule}`]);
    expect(error?.issues).toEqual([{ loc: ['body', field], type: 'value_error', msg: rule }]);
  });

  test('is refused together with the others, and if it is too long', () => {
    const error = refusalOf(() => requireUserFields({ userName: '', email: 'a' }));
    expect(error?.issues.map(({ loc }) => loc[1])).toEqual(['userName', 'email']);
    expect(error?.message).toMatch(/^userName: .*; email: /);
    expect(refusalOf(() => requireUserFields({ role: 'x'.repeat(65) }))?.code).toBe('INVALID');
    expect(refusalOf(() => requireUserFields({ email: `${'x'.repeat(250)}@b.example` }))?.code).toBe('INVALID');
  });
});

describe('ID-4: the tenant of a user', () => {
  const user = (tenantId?: string): NewUser => ({
    ...{ userName: 'a', email: 'a@b.example', role: 'TenantUser' },
    ...(tenantId !== undefined && { tenantId }),
  });

  test('does not replace the rules of the other fields', () => {
    expect(refusalOf(() => requireUser(POOL, { ...user('acme0000'), role: '' }))?.message).toMatch(/^role: /);
  });

  test.each([
    ['no tenant in the realm of the administrators', ADMIN, undefined],
    ['any tenant in the pooled realm', POOL, 'globex00'],
    ["the realm's own tenant", SILO, 'acme0000'],
  ])('may be %s', (_what, realm, tenantId) => {
    expect(refusalOf(() => requireUser(realm, user(tenantId)))).toBeUndefined();
  });

  test.each([
    ['a tenant in the realm of the administrators', ADMIN, 'acme0000'],
    ['no tenant in the pooled realm', POOL, undefined],
    ["no tenant in a tenant's realm", SILO, undefined],
    ["another tenant in a tenant's realm", SILO, 'globex00'],
  ])('cannot be %s', (_what, realm, tenantId) => {
    expect(refusalOf(() => requireUser(realm, user(tenantId)))?.issues).toEqual([
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
