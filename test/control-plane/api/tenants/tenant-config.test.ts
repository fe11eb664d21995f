import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createControlPlane } from '../../../../control-plane/api/control-plane.ts';
import type { ControlPlaneDeps } from '../../../../control-plane/api/http/deps.ts';
import type { TenantRecord } from '../../../../core/tenant/record.ts';
import { silentLog } from '../../../support/silent-log.ts';
import { openStoredTenants, type StoredTenants } from './stored-tenants.ts';

let tenants: StoredTenants;
beforeEach(async () => {
  tenants = await openStoredTenants();
});
afterEach(async () => tenants[Symbol.asyncDispose]());

const CONFIG = { authServer: 'a', tenantName: 'Before' };
const FOUND = { authServer: 'a', tenantName: 'Acme' };

async function get(path: string, query: Record<string, string> = {}, origin?: string) {
  const deps = { ...tenants.deps, log: silentLog } as unknown as ControlPlaneDeps;
  const api = createControlPlane(deps, async () => ({ kind: 'anonymous' }));
  const headers = origin === undefined ? {} : { origin };
  const { status, body } = await api.respond({ method: 'GET', path, query, headers, body: undefined });
  return status === 200 ? body : `${status} ${(body as { message: string }).message}`;
}

const ACTIVE = { tenantConfig: JSON.stringify(CONFIG) };

test.each<[path: string, query: Record<string, string>, origin: string | undefined, expected: unknown]>([
  ['/tenant-config/acme', {}, undefined, FOUND],
  ['/tenant-config/ACME', {}, 'https://globex.example', FOUND],
  ['/tenant-config/globex', {}, undefined, '404 No tenant details found for globex'],
  ['/tenant-config', { tenantId: 'acme0000', tenantName: 'globex' }, 'https://globex.example', FOUND],
  [
    '/tenant-config',
    { tenantId: 'globex00', tenantName: 'acme' },
    undefined,
    '404 No tenant details found for globex00',
  ],
  ['/tenant-config', { tenantId: '', tenantName: 'Acme' }, 'https://globex.example', FOUND],
  ['/tenant-config', { tenantName: 'acme' }, undefined, FOUND],
  ['/tenant-config', { tenantName: 'globex' }, 'https://acme.example', '404 No tenant details found for globex'],
  ['/tenant-config', { tenantName: '' }, 'https://acme.example', FOUND],
  ['/tenant-config', {}, 'http://acme:8080', FOUND],
  ['/tenant-config', {}, 'http://acme/x', FOUND],
  ['/tenant-config', {}, 'https://www.acme.example', '404 No tenant details found for www'],
  ['/tenant-config', {}, 'acme.example', '400 Unable to parse tenant name!'],
  ['/tenant-config', {}, 'https://', '400 Unable to parse tenant name!'],
  ['/tenant-config', { tenantName: '' }, '', '400 Origin header missing!'],
  ['/tenant-config', {}, undefined, '400 Origin header missing!'],
])('GET %s with the query %j from %s finds the tenant or says why not', async (path, query, origin, expected) => {
  await tenants.insert(ACTIVE);
  expect(await get(path, query, origin)).toEqual(expected);
});

test.each<[what: string, fields: Partial<TenantRecord>, expected: unknown]>([
  ['without a name stays without', { tenantConfig: '{"authServer":"a"}' }, { authServer: 'a' }],
  ['is that of the name today', ACTIVE, FOUND],
  ['is not shown before there is one', {}, '404 No tenant details found for acme'],
  [
    'is not shown while the tenant is being deleted',
    { ...ACTIVE, active: false },
    '404 No tenant details found for acme',
  ],
])('the configuration for sign-in %s', async (_what, fields, expected) => {
  await tenants.insert(fields);
  expect(await get('/tenant-config/acme')).toEqual(expected);
});
