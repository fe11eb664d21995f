import { SCOPES } from '../../../core/identity/issuers.ts';
import type { AppPlaneDeps } from '../http/deps.ts';
import { nameOf } from '../http/http.ts';
import { appPlaneOperation, canRead, canWrite, type OperationOf, refusal } from '../http/operation.ts';
import { ReleaseUpdate, TenantRelease } from '../tenants/progress-schemas.ts';
import { requireTenant } from '../tenants/tenant-store.ts';

const NO_TENANT = refusal('No tenant has this id, or the application plane does not have it.');

export const RELEASE_OPERATIONS: readonly OperationOf<AppPlaneDeps>[] = [
  appPlaneOperation({
    id: 'getTenantRelease',
    method: 'GET',
    path: '/operator/tenants/{tenantId}/release',
    access: canRead(SCOPES.tenantRead),
    tag: 'Operation',
    summary: 'Get the release that a tenant runs, and how its last update ended',
    responses: { 200: { description: 'The release.', body: TenantRelease }, 404: NO_TENANT },
    async handle({ params }, deps) {
      const { tenantId } = await requireTenant(deps, params.tenantId);
      return { status: 200, body: { data: await deps.compute.releases.status(tenantId) } };
    },
  }),
  appPlaneOperation({
    id: 'updateTenantRelease',
    method: 'POST',
    path: '/operator/tenants/{tenantId}/release',
    access: canWrite(SCOPES.tenantWrite),
    tag: 'Operation',
    summary: "Update a tenant to the platform's release; the old tasks serve until the new ones are healthy",
    body: ReleaseUpdate,
    responses: {
      200: { description: 'The update is requested, or the tenant runs the release already.', body: TenantRelease },
      404: NO_TENANT,
      409: refusal("The tenant is not ready, or the platform's release is another one."),
    },
    async handle({ params, body, principal }, deps) {
      const { tenantId } = await requireTenant(deps, params.tenantId);
      const data = await deps.compute.releases.request(tenantId, body.release);
      deps.log.info({ tenantId, by: nameOf(principal), release: data.current, state: data.state }, 'update requested');
      return { status: 200, body: { data } };
    },
  }),
];
