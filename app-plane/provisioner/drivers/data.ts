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
    /**
     * Deletes the data once more, when nothing can write any: the tenant's own tasks have ended, and the pooled ones refuse
     * the writes of requests that were admitted earlier.
     */
    async purge(tenantId) {
      await runtime.closeTenantData(tenantId);
      await runtime.deleteTenantData(tenantId);
    },
  };
}
