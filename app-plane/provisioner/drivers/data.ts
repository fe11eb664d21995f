import type { ResourceDriver } from '../../../core/plan/resources.ts';
import type { Runtime } from '../../../core/ports/runtime.ts';

/** The driver of a tenant's data: a store of its own, and whatever of it lies in the pooled one. */
export function createDataDriver(runtime: Runtime): ResourceDriver {
  return {
    kinds: ['data'],
    async observe(tenantId) {
      return (await runtime.hasTenantData(tenantId)) ? [{ kind: 'data', name: 'data', tenantId, spec: {} }] : [];
    },
    async apply({ action, resource }) {
      if (action === 'delete') await runtime.deleteTenantData(resource.tenantId);
      else await runtime.ensureTenantData(resource.tenantId);
    },
    /** Once more, now that no task of the tenant writes any longer. */
    purge: (tenantId) => runtime.deleteTenantData(tenantId),
  };
}
