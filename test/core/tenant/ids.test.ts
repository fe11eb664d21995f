import { describe, expect, test } from '@jest/globals';
import {
  hasIdShape,
  isClusterId,
  isRealmId,
  MAX_TENANT_ID_LENGTH,
  newId,
  requireTenantId,
  TENANT_ID,
  TENANT_TAG,
} from '../../../core/tenant/ids.ts';

const ID = 'acme0000';
const LONGEST = 'a'.repeat(MAX_TENANT_ID_LENGTH);
const NOT_A_TENANT = ['', 'short', 'UPPER000', 'with-dash', 'a#b00000', '../../etc', `${LONGEST}a`, 'acme0000\n'];

describe('SE-1.11: ids', () => {
  test('of tenants are 8 to 26 lower-case letters and digits', () => {
    expect([ID, LONGEST].every((id) => TENANT_ID.test(id))).toBe(true);
    expect(NOT_A_TENANT.filter((id) => TENANT_ID.test(id))).toEqual([]);
  });

  test('of tenants are required, and are the values of the tag that policies name', () => {
    for (const id of [ID, LONGEST]) expect(() => requireTenantId(id)).not.toThrow();
    for (const id of NOT_A_TENANT)
      expect(() => requireTenantId(id)).toThrow(expect.objectContaining({ code: 'INVALID' }));
    expect(TENANT_TAG).toBe('tenantId');
  });

  test.each([
    [LONGEST, true],
    [` reg-${LONGEST.toUpperCase()}\n`, true],
    [`tenant-${LONGEST}`, true],
    [ID, false],
    [`x-${LONGEST}`, false],
    [`${LONGEST}a`, false],
  ])('%j has the form of an id: %s', (text, has) => {
    expect(hasIdShape(text)).toBe(has);
  });

  test('of realms are admin, pool, or a tenant’s', () => {
    expect(['admin', 'pool', `tenant-${ID}`, `tenant-${LONGEST}`].every(isRealmId)).toBe(true);
    const others = [
      'shared',
      'tenant-',
      'adminx',
      'xpool',
      ' pool',
      7,
      ['pool'],
      ...NOT_A_TENANT.map((id) => `tenant-${id}`),
    ];
    expect(others.filter(isRealmId)).toEqual([]);
  });

  test('of clusters are pool, shared, or a tenant’s', () => {
    expect(['pool', 'shared', `tenant-${ID}`, `tenant-${LONGEST}`].every(isClusterId)).toBe(true);
    const others = [
      'admin',
      'tenant-',
      'poolx',
      'xshared',
      undefined,
      ['pool'],
      ...NOT_A_TENANT.map((id) => `tenant-${id}`),
    ];
    expect(others.filter(isClusterId)).toEqual([]);
  });

  test('that are new have the form of a tenant id and sort by time', () => {
    const random = (count: number) => new Uint8Array(count).fill(255);
    const ids = [0, 1, 31, 32, 1_000, Date.parse('2026-01-01'), Date.parse('9999-12-31')].map((ms) =>
      newId(ms, random),
    );
    expect(ids.every((id) => TENANT_ID.test(id) && id.length === MAX_TENANT_ID_LENGTH)).toBe(true);
    expect(ids).toEqual(ids.toSorted());
    expect(newId(0, (count) => Uint8Array.from({ length: count }, (_, i) => i))).toBe('00000000000123456789abcdef');
  });
});
