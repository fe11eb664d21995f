import { expect, test } from '@jest/globals';
import { createCompletions } from '../../../../control-plane/api/tenants/completion.ts';
import { requireServed, servedTenantGuard } from '../../../../control-plane/api/tenants/served-tenant.ts';
import { TENANT_STATES, type TenantState } from '../../../../core/tenant/lifecycle.ts';
import { tenantKey } from '../../../../core/tenant/record.ts';
import { openStoredTenants } from './stored-tenants.ts';

const SERVED: readonly TenantState[] = ['active', 'changing-tier'];

test.each(TENANT_STATES)(
  'ON-7: a change for a tenant that is %s is permitted only while it is served',
  async (state) => {
    await using tenants = await openStoredTenants();
    await tenants.insert({ state });
    const refusal = { code: 'CONFLICT', message: `The tenant must be active, but it is ${state}` };
    const guard = servedTenantGuard(tenants.deps, 'acme0000');
    if (SERVED.includes(state)) {
      expect(() => requireServed(state)).not.toThrow();
      expect(await guard()).toEqual([{ check: tenantKey('acme0000'), if: { version: 1 } }]);
    } else {
      expect(() => requireServed(state)).toThrow(expect.objectContaining(refusal));
      await expect(guard()).rejects.toMatchObject(refusal);
    }
  },
);

test('ON-7: no change is permitted for a tenant that does not exist', async () => {
  await using tenants = await openStoredTenants();
  const refusal = { code: 'CONFLICT', message: 'The tenant must be active, but it is deleted' };
  await expect(servedTenantGuard(tenants.deps, 'globex00')()).rejects.toMatchObject(refusal);
});

test('ON-2: requests that wait for a tenant continue when its onboarding is over; requests for other tenants wait on', async () => {
  const { completion, onState } = createCompletions();
  const woken: string[] = [];
  const wait = (id: string, name: string) => completion(id).then(() => woken.push(name));
  const waits = [wait('acme0000', 'a'), wait('acme0000', 'b')];
  void wait('globex00', 'c');
  for (const state of ['registered', 'provisioning'] as const) onState('acme0000', state);
  await new Promise(setImmediate);
  expect(woken).toEqual([]);
  onState('acme0000', 'failed');
  await Promise.all(waits);
  // A later request waits for the next change.
  void wait('acme0000', 'd');
  await new Promise(setImmediate);
  expect(woken).toEqual(['a', 'b']);
  onState('acme0000', 'active');
  onState('unknown0', 'active');
  await new Promise(setImmediate);
  expect(woken).toEqual(['a', 'b', 'd']);
});
