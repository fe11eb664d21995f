import { SCOPES } from '../../../core/identity/issuers.ts';
import type { AppPlaneDeps } from '../http/deps.ts';
import { appPlaneOperation, canRead, NO_TENANT, type OperationOf } from '../http/operation.ts';
import { TenantPlan } from './progress-schemas.ts';
import { requireTenant } from './tenant-store.ts';

export const PLAN_OPERATIONS: readonly OperationOf<AppPlaneDeps>[] = [
  appPlaneOperation({
    id: 'getTenantPlan',
    method: 'GET',
    path: '/tenants/{tenantId}/plan',
    access: canRead(SCOPES.tenantRead),
    tag: 'Tenants',
    summary: 'Get the changes that the provisioner would make to the tenant now; nothing is changed',
    responses: {
      200: { description: 'The changes, in order. None if the tenant is as it must be.', body: TenantPlan },
      404: NO_TENANT,
    },
    async handle({ params }, deps) {
      const { tenantId } = await requireTenant(deps, params.tenantId);
      const changes = await deps.compute.plan(tenantId);
      const data = changes.map(({ action, resource: { kind, name } }) => ({ action, kind, name }));
      return { status: 200, body: { data: { tenantId, changes: data } } };
    },
  }),
];
