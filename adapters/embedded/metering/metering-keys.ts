import type { MeteringKeys } from '../../../core/ports/metering-keys.ts';
import { requireTenantId } from '../../../core/tenant/ids.ts';

/** The gateway counts by the key that the route carries, so no other service needs to know it. */
export const routeKeys: MeteringKeys = {
  keptIn: 'table',
  ensure: async ({ tenantId }) => requireTenantId(tenantId),
  check: async ({ tenantId }) => requireTenantId(tenantId),
  move: async ({ tenantId }) => requireTenantId(tenantId),
  delete: async (tenantId) => requireTenantId(tenantId),
};
