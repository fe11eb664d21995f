import { SCOPES } from '../../../core/identity/issuers.ts';
import type { RealmId } from '../../../core/ports/identity.ts';
import type { ControlPlaneDeps } from '../http/deps.ts';
import { nameOf } from '../http/http.ts';
import { type ControlPlaneOperation, canWrite, done, NO_TENANT, operation, refusal } from '../http/operation.ts';
import { requireServed, servedTenantGuard } from '../tenants/served-tenant.ts';
import { requireTenant } from '../tenants/tenant-store.ts';
import { ProbeCreated } from './schemas.ts';

const WRITE = canWrite(SCOPES.tenantWrite);

/** No service accepts this role: the gateway meters the probe as the tenant, and services refuse it all data. */
const PROBE_ROLE = 'Probe';
const PASSWORD_BYTES = 18;

const REFUSALS = {
  404: NO_TENANT,
  409: refusal('The tenant is not active.'),
} as const;

/**
 * A short-lived user for measuring a tenant's usage plan (docs/decisions/0006). It can sign in and use up the plan, and
 * nothing else.
 */
export const PROBE_OPERATIONS: readonly ControlPlaneOperation[] = [
  operation({
    id: 'createProbe',
    method: 'POST',
    path: '/operator/tenants/{tenantId}/probe',
    access: WRITE,
    tag: 'Operation',
    summary: "Create a user that can use up the tenant's usage plan but read nothing",
    responses: {
      201: { description: 'The user. It replaces an earlier probe; delete it after the test.', body: ProbeCreated },
      ...REFUSALS,
    },
    async handle({ params, principal }, deps) {
      const { realm, userName, tenantId } = await probeOf(params.tenantId, deps);
      const password = `Pr0be-${Buffer.from(deps.random(PASSWORD_BYTES)).toString('base64url')}`;
      await deps.identity.deleteUser(realm, userName);
      await deps.identity
        .guardedBy(servedTenantGuard(deps, tenantId))
        .createUser(realm, { userName, email: userName, role: PROBE_ROLE, tenantId, password });
      deps.log.info({ tenantId, by: nameOf(principal) }, 'probe created');
      return { status: 201, body: { data: { userName, password } } };
    },
  }),
  operation({
    id: 'deleteProbe',
    method: 'DELETE',
    path: '/operator/tenants/{tenantId}/probe',
    access: WRITE,
    tag: 'Operation',
    summary: "Delete the tenant's probe",
    responses: { 200: done('The probe does not exist any more.'), ...REFUSALS },
    async handle({ params }, deps) {
      const { realm, userName, tenantId } = await probeOf(params.tenantId, deps);
      await deps.identity.deleteUser(realm, userName);
      deps.log.info({ tenantId }, 'probe deleted');
      return { status: 200, body: { message: 'Probe deleted' } };
    },
  }),
];

/** Throws NOT_FOUND, or CONFLICT for a tenant that is not served. */
async function probeOf(
  id: string,
  deps: ControlPlaneDeps,
): Promise<{ realm: RealmId; userName: string; tenantId: string }> {
  const { tenantId, state } = await requireTenant(deps, id);
  requireServed(state);
  const own = await deps.identity.realm(`tenant-${tenantId}`);
  return { realm: own?.id ?? 'pool', userName: `probe@${tenantId}.invalid`, tenantId };
}
