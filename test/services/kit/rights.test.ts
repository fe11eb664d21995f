import { beforeEach, describe, expect, test } from '@jest/globals';
import { DomainError } from '../../../core/errors.ts';
import { TENANT_ADMIN, TENANT_USER } from '../../../services/kit/operation.ts';
import { createRights } from '../../../services/kit/rights.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const TENANT = 'acme0000';
let clock: ManualClock;
let registry: { role: string; tenantId?: string } | undefined;
let lookups: number;

beforeEach(() => {
  clock = new ManualClock();
  registry = { role: 'TenantAdmin', tenantId: TENANT };
  lookups = 0;
});

/** @param role what the gateway has sent */
function rights(role: string | undefined, access = TENANT_USER) {
  const lookup = async () => {
    lookups += 1;
    if (!registry) throw new DomainError('UNAUTHENTICATED', 'no such user');
    return registry;
  };
  return createRights({ access, tenantId: TENANT, role, lookup, clock });
}

describe('ID-4: the rights of a caller', () => {
  test.each(['TenantAdmin', 'TenantUser'])('are those of the role %s that the gateway has read', async (role) => {
    await expect(rights(role).role()).resolves.toBe(role);
    expect(lookups).toBe(0);
  });

  test.each(['', 'SystemAdmin', 'Probe', 'tenantadmin', 'TenantAdmin, TenantAdmin'])(
    'do not exist for the role %j',
    async (role) => {
      await expect(rights(role).role()).rejects.toMatchObject({ code: 'FORBIDDEN' });
      registry = { role, tenantId: TENANT };
      await expect(rights(undefined).role()).rejects.toMatchObject({ code: 'FORBIDDEN' });
    },
  );

  test('do not suffice for an operation of administrators without their role', async () => {
    await expect(rights('TenantUser', TENANT_ADMIN).role()).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(rights('TenantAdmin', TENANT_ADMIN).role()).resolves.toBe('TenantAdmin');
  });

  test('are asked for without a gateway, and refused for the user of another tenant or of none', async () => {
    await expect(rights(undefined).role()).resolves.toBe('TenantAdmin');
    for (const tenantId of ['globex00', undefined]) {
      registry = { role: 'TenantAdmin', ...(tenantId && { tenantId }) };
      await expect(rights(undefined).role()).rejects.toMatchObject({ code: 'FORBIDDEN' });
    }
  });

  test('are asked for again after a second', async () => {
    const one = rights('TenantAdmin', TENANT_ADMIN);
    clock.advance(1_000);
    await one.role();
    expect(lookups).toBe(0);
    clock.advance(1);
    registry = { role: 'TenantUser', tenantId: TENANT };
    await expect(one.role()).rejects.toMatchObject({ code: 'FORBIDDEN' });
    registry = undefined;
    clock.advance(2_000);
    await expect(one.role()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });
});
