import { expect, test } from '@jest/globals';
import {
  checkExtras,
  MAX_EXTRA_BYTES,
  MAX_EXTRA_KEYS,
  RESERVED_KEYS,
  TENANT_FIELDS,
} from '../../../core/tenant/reserved.ts';

test('SE-1.15: clients cannot set these keys, and cannot override these fields', () => {
  expect([...RESERVED_KEYS]).toEqual([
    ...['tenantId', 'tenantRegistrationId', 'sbtaws_active', 'registrationStatus', 'tenantStatus', 'tenantConfig'],
    ...['state', 'reason', 'steps', 'slug', 'actions', 'created', 'modified', 'adminPassword', 'password'],
  ]);
  expect([...TENANT_FIELDS]).toEqual(['tenantName', 'email', 'tier']);
});

const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, 1]));
/** An object whose JSON has this many bytes. */
const sized = (bytes: number) => ({ k: 'x'.repeat(bytes - '{"k":""}'.length) });

test.each([
  ['as many keys as are allowed', keys(MAX_EXTRA_KEYS), undefined],
  ['one key more', keys(MAX_EXTRA_KEYS + 1), 'must have at most 32 customer-defined keys, got 33'],
  ['as many bytes as are allowed', sized(MAX_EXTRA_BYTES), undefined],
  ['one byte more', sized(MAX_EXTRA_BYTES + 1), 'must take at most 8192 bytes of JSON, got 8193'],
  ['nothing', {}, undefined],
])('the customer-defined part with %s exceeds: %#', (_what, extras, message) => {
  expect(checkExtras(extras)).toBe(message);
});
