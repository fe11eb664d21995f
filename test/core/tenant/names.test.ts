import { describe, expect, test } from '@jest/globals';
import { RegisteredTenantName, TenantId, TenantName } from '../../../core/tenant/names.ts';

const ID = '01h0000000000000000000000a';
const errorsOf = (result: {
  readonly error?: { readonly issues: readonly { readonly message: string }[] } | undefined;
}) => result.error?.issues.map(({ message }) => message);

describe('ON-9: the name of a tenant', () => {
  test.each([
    ['Acme Inc.', 'Acme Inc.'],
    ['  Cafe\u0301\n', 'Café'],
    ['東京', '東京'],
    ['x'.repeat(63), 'x'.repeat(63)],
  ])('may be %j, which is stored as %j', (name, stored) => {
    expect([TenantName.parse(name), RegisteredTenantName.parse(name)]).toEqual([stored, stored]);
  });

  test.each([
    ['a', 'must have 2 to 63 characters'],
    ['', 'must have 2 to 63 characters'],
    ['x'.repeat(64), 'must have 2 to 63 characters'],
    ['\u0000', 'must have 2 to 63 characters'],
    ['a\u0000b', 'must not contain control characters, line breaks or invisible characters'],
    ['\u200b\u200b', 'must not contain control characters, line breaks or invisible characters'],
    ['--', 'must have a letter or digit'],
    ['/?', 'must have a letter or digit'],
    ['a/b', "must not contain '/', '\\' or '?'"],
  ])('cannot be %j: it %s, and breaks no second rule', (name, rule) => {
    expect(errorsOf(RegisteredTenantName.safeParse(name))).toEqual([rule]);
  });

  test('of a new tenant does not have the form of an id', () => {
    expect(RegisteredTenantName.safeParse(ID).success).toBe(true);
    expect(errorsOf(TenantName.safeParse(ID))).toEqual([
      'must not have the form of an id, such as 26 letters and digits',
    ]);
  });
});

test.each([
  [ID, undefined],
  ['acme0000', undefined],
  ['acme000', ['must be a tenant id']],
  ['Acme0000', ['must be a tenant id']],
  ['acme0000#', ['must be a tenant id']],
  ['', ['must be a tenant id']],
])('SE-1.11: the id %j has the errors %j', (id, errors) => {
  expect(errorsOf(TenantId.safeParse(id))).toEqual(errors);
});
