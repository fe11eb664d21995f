import { SCOPES } from '../../../core/identity/issuers.ts';
import { type ControlPlaneOperation, canRead, NO_TENANT, operation, orMachine } from '../http/operation.ts';
import { emptyPageForUnknownToken, tenantPage } from './list.ts';
import { TenantQuery } from './requests.ts';
import { TenantList, TenantResponse } from './responses.ts';
import { tenantBody } from './tenant-body.ts';
import { requireTenant } from './tenant-store.ts';

const READ = orMachine(canRead(SCOPES.tenantRead));

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
];
