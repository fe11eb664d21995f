import { DomainError } from '../../../core/errors.ts';
import type { RealmId } from '../../../core/ports/identity.ts';
import { isServed } from '../../../core/tenant/lifecycle.ts';
import type { ControlPlaneDeps } from '../http/deps.ts';
import { SCOPES } from '../http/http.ts';
import { type Access, type Route, route } from '../http/route.ts';
import { getTenant } from '../tenants/tenant-store.ts';

const WRITE: Access = { kind: 'user', scope: SCOPES.tenantWrite, writes: true };

/** A role that no service knows: its tokens are metered as the tenant's, and refused all data. */
const PROBE_ROLE = 'Probe';
const PASSWORD_BYTES = 18;

/**
 * A short-lived user for measuring a tenant's usage plan (docs/decisions/0006). It can sign in and spend the plan, and
 * nothing else.
 */
export const PROBE_ROUTES: readonly Route[] = [
  route({
    method: 'POST',
    path: '/operator/tenants/{tenantId}/probe',
    access: WRITE,
    tag: 'Operation',
    summary: "A user that can spend the tenant's usage plan but read nothing; delete it when done",
    answer: { status: 201, description: '`{"data":{"userName","password"}}`; an earlier probe is replaced.' },
    async handle({ params, principal }, deps) {
      const { realm, userName, tenantId } = await probeOf(params.tenantId ?? '', deps);
      const password = `Pr0be-${Buffer.from(deps.random(PASSWORD_BYTES)).toString('base64url')}`;
      await deps.identity.deleteUser(realm, userName);
      await deps.identity.createUser(realm, { userName, email: userName, role: PROBE_ROLE, tenantId, password });
      deps.log.info({ tenantId, by: principal.kind === 'user' ? principal.userName : principal.kind }, 'probe made');
      return { status: 201, body: { data: { userName, password } } };
    },
  }),
  route({
    method: 'DELETE',
    path: '/operator/tenants/{tenantId}/probe',
    access: WRITE,
    tag: 'Operation',
    summary: "Remove the tenant's probe",
    answer: { status: 200, description: 'It is gone.' },
    async handle({ params }, deps) {
      const { realm, userName, tenantId } = await probeOf(params.tenantId ?? '', deps);
      await deps.identity.deleteUser(realm, userName);
      deps.log.info({ tenantId }, 'probe removed');
      return { status: 200, body: { message: 'Probe deleted' } };
    },
  }),
];

/** Throws NOT_FOUND, or CONFLICT for a tenant that is not served. */
async function probeOf(
  id: string,
  deps: ControlPlaneDeps,
): Promise<{ realm: RealmId; userName: string; tenantId: string }> {
  const record = (await getTenant(deps, id))?.data;
  if (!record) throw new DomainError('NOT_FOUND', `Tenant not found for id ${id}`);
  if (!isServed(record.state)) throw new DomainError('CONFLICT', `tenant must be active, it is ${record.state}`);
  const { tenantId } = record;
  const own = await deps.identity.realm(`tenant-${tenantId}`);
  return { realm: own?.id ?? 'pool', userName: `probe@${tenantId}.invalid`, tenantId };
}
