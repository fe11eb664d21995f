import type { TenantRecord } from '../../../core/tenant/record.ts';
import { type ControlPlaneOperation, MACHINE, NO_TENANT, operation, refusal } from '../http/operation.ts';
import { applyReport, extrasOf, offboard } from './changes.ts';
import { type NewTenant, register } from './register.ts';
import { NewTenantData, ReportedTenantData } from './requests.ts';
import { TenantResponse } from './responses.ts';
import { tenantBody } from './tenant-body.ts';

const THE_TENANT = { description: 'The tenant.', body: TenantResponse } as const;

/** SBT's internal routes. They do the same as the routes of registrations, but respond with the tenant itself. */
export const INTERNAL_OPERATIONS: readonly ControlPlaneOperation[] = [
  operation({
    id: 'createTenant',
    method: 'POST',
    path: '/tenants',
    access: MACHINE,
    tag: 'Internal',
    summary: 'Register a tenant',
    body: NewTenantData,
    responses: { 201: THE_TENANT, 409: refusal('The name or the email is taken.') },
    async handle({ body }, deps) {
      const { tenantName, email, tier } = body;
      const tenant: NewTenant = {
        tenantName,
        email,
        tier,
        tenantExtras: extrasOf(body),
        registrationExtras: {},
        statusGiven: false,
      };
      const nameAt = ['body', 'tenantName'];
      const result = (record: TenantRecord) => ({ data: tenantBody(deps, record) });
      return { status: 201, body: await register(deps, tenant, { nameAt, result }) };
    },
  }),
  operation({
    id: 'reportTenant',
    method: 'PUT',
    path: '/tenants/{tenantId}',
    access: MACHINE,
    tag: 'Internal',
    summary: "Apply a report on a tenant's data",
    body: ReportedTenantData,
    responses: { 200: THE_TENANT, 404: NO_TENANT },
    async handle({ params, body }, deps) {
      const report = { tenantData: body, tenantRegistrationData: {} };
      return { status: 200, body: { data: tenantBody(deps, await applyReport(deps, params.tenantId, report)) } };
    },
  }),
  operation({
    id: 'deleteTenant',
    method: 'DELETE',
    path: '/tenants/{tenantId}',
    access: MACHINE,
    tag: 'Internal',
    summary: 'Offboard a tenant',
    responses: {
      200: THE_TENANT,
      404: NO_TENANT,
      409: refusal("The deletion was requested already, or the tenant's state does not allow it."),
    },
    async handle({ params }, deps) {
      return { status: 200, body: { data: tenantBody(deps, await offboard(deps, params.tenantId)) } };
    },
  }),
];
