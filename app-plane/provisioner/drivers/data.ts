import type { ResourceDriver } from '../../../core/plan/resources.ts';
import type { Runtime } from '../../../core/ports/runtime.ts';

/** The driver of a tenant's data: its own store, and its items in the pooled one. */
export function createDataDriver(runtime: Runtime): ResourceDriver<'data'> {
  return {
    kinds: ['data'],
    async observe(tenantId) {
      return (await runtime.hasTenantData(tenantId)) ? [{ kind: 'data', name: 'data', tenantId, spec: {} }] : [];
    },
    async apply({ action, resource }) {
      if (action === 'delete') await runtime.deleteTenantData(resource.tenantId);
      else await runtime.ensureTenantData(resource.tenantId);
    },
    /** Deletes the data once more, after the last task that could write has ended. */
    purge: (tenantId) => runtime.deleteTenantData(tenantId),
  };
}
