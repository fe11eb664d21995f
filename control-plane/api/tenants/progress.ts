import { SCOPES } from '../../../core/identity/issuers.ts';
import type { Step } from '../../../core/progress/step.ts';
import type { TenantRecord } from '../../../core/tenant/record.ts';
import type { TenantDeps } from '../http/deps.ts';
import { canRead, NO_TENANT, type OperationOf, orMachine, tenantOperation } from '../http/operation.ts';
import { TenantProgress } from './progress-schemas.ts';
import { requireTenant } from './tenant-store.ts';

/** Steps of the current run; without one, those that the last run reported. */
async function progressOf({ operator }: TenantDeps, record: TenantRecord): Promise<readonly Step[]> {
  const current = record.state === 'deleted' ? [] : await operator.progress(record.tenantId);
  return current.length > 0 ? current : (record.steps ?? []);
}

export const PROGRESS_OPERATIONS: readonly OperationOf<TenantDeps>[] = [
  tenantOperation({
    id: 'getTenantProgress',
    method: 'GET',
    path: '/tenants/{tenantId}/progress',
    access: orMachine(canRead(SCOPES.tenantRead)),
    tag: 'Tenants',
    summary: 'Get the steps of the current run, or of the last one, with their times',
    responses: {
      200: { description: 'State and steps.', body: TenantProgress },
      404: NO_TENANT,
    },
    async handle({ params }, deps) {
      const record = await requireTenant(deps, params.tenantId);
      const { tenantId, state, reason } = record;
      return { status: 200, body: { data: { tenantId, state, reason, steps: await progressOf(deps, record) } } };
    },
  }),
];
