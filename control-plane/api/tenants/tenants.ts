import { SCOPES } from '../../../core/identity/issuers.ts';
import type { Step } from '../../../core/progress/step.ts';
import type { TenantRecord } from '../../../core/tenant/record.ts';
import type { ControlPlaneDeps } from '../http/deps.ts';
import { type ControlPlaneOperation, canRead, operation, orMachine, refusal } from '../http/operation.ts';
import { emptyPageForUnknownToken, tenantPage } from './list.ts';
import { TenantQuery } from './requests.ts';
import { TenantList, TenantProgress, TenantResponse } from './responses.ts';
import { tenantBody } from './tenant-body.ts';
import { requireTenant } from './tenant-store.ts';

const READ = orMachine(canRead(SCOPES.tenantRead));
const NO_TENANT = refusal('No tenant has this id.');

/** Steps of the current run; without one, those that the last run reported. */
async function progressOf({ operator }: ControlPlaneDeps, record: TenantRecord): Promise<readonly Step[]> {
  const current = record.state === 'deleted' ? [] : await operator.progress(record.tenantId);
  return current.length > 0 ? current : (record.steps ?? []);
}

export const TENANT_OPERATIONS: readonly ControlPlaneOperation[] = [
  operation({
    id: 'listTenants',
    method: 'GET',
    path: '/tenants',
    access: READ,
    tag: 'Tenants',
    summary: 'List tenants in order of name',
    query: TenantQuery,
    responses: { 200: { description: 'One page.', body: TenantList } },
    handle: async ({ query }, deps) => ({
      status: 200,
      body: await emptyPageForUnknownToken(() => tenantPage(deps, query, (record) => tenantBody(deps, record))),
    }),
  }),
  operation({
    id: 'getTenant',
    method: 'GET',
    path: '/tenants/{tenantId}',
    access: READ,
    tag: 'Tenants',
    summary: 'Get a tenant, including a deleted one',
    responses: { 200: { description: 'The tenant.', body: TenantResponse }, 404: NO_TENANT },
    async handle({ params }, deps) {
      return { status: 200, body: { data: tenantBody(deps, await requireTenant(deps, params.tenantId)) } };
    },
  }),
  operation({
    id: 'getTenantProgress',
    method: 'GET',
    path: '/tenants/{tenantId}/progress',
    access: READ,
    tag: 'Tenants',
    summary: 'Get the steps of the current run, or of the last one, with their times',
    responses: { 200: { description: 'State and steps.', body: TenantProgress }, 404: NO_TENANT },
    async handle({ params }, deps) {
      const record = await requireTenant(deps, params.tenantId);
      const { tenantId, state, reason } = record;
      return { status: 200, body: { data: { tenantId, state, reason, steps: await progressOf(deps, record) } } };
    },
  }),
];
