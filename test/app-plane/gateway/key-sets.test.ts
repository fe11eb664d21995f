import { expect, test } from '@jest/globals';
import { keySetUri } from '../../../app-plane/gateway/key-sets.ts';
import type { RealmId } from '../../../core/ports/identity.ts';
import { tenantRoute } from './fixture.ts';

const routes = new Map(
  [tenantRoute('premium01', 'premium'), tenantRoute('basic0001')].map((one) => [one.tenantId, one]),
);
const registry = { route: async (tenantId: string) => routes.get(tenantId) };

test.each<[RealmId, string | undefined]>([
  ['admin', 'unix:/p.sock:/realms/admin/jwks'],
  ['pool', 'unix:/p.sock:/realms/pool/jwks'],
  ['tenant-premium01', 'unix:/p.sock:/realms/tenant-premium01/jwks'],
  ['tenant-basic0001', undefined],
  ['tenant-invented1', undefined],
])('SE-6: the keys of realm %s are at %s', async (realm, uri) => {
  expect(await keySetUri('/p.sock', registry, { realm })).toBe(uri);
});

test('SE-1.2: an issuer that is not a realm of the platform has no keys', async () => {
  expect(await keySetUri('/p.sock', registry, undefined)).toBeUndefined();
});
