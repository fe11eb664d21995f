import { DomainError, isDomainError } from '../../../core/errors.ts';
import { SCOPES } from '../../../core/identity/issuers.ts';
import { registrationIdOf, type TenantRecord, tenantIdOf } from '../../../core/tenant/record.ts';
import { registrationView } from '../../../core/tenant/views.ts';
import type { StoreDeps } from '../http/deps.ts';
import type { Principal } from '../http/http.ts';
import { IDEMPOTENCY_HEADER, intentOf } from '../http/idempotency.ts';
import {
  BAD_PAGE_TOKEN,
  type ControlPlaneOperation,
  canRead,
  canWrite,
  MACHINE,
  operation,
  orMachine,
  refusal,
} from '../http/operation.ts';
import { applyReport, type ChangeDeps, extrasOf, offboard, retry, updateTenant } from './changes.ts';
import { tenantPage } from './list.ts';
import { type NewTenant, register } from './register.ts';
import { NewRegistration, RegistrationChange, RegistrationReport, TenantQuery } from './requests.ts';
import {
  RegistrationCreated,
  RegistrationDeleted,
  RegistrationList,
  RegistrationResponse,
  RegistrationRetried,
  RegistrationUpdated,
} from './responses.ts';
import { tenantBody } from './tenant-body.ts';
import { requireTenant } from './tenant-store.ts';

const READ = orMachine(canRead(SCOPES.tenantRead));
const WRITE = orMachine(canWrite(SCOPES.tenantWrite));

const NO_REGISTRATION = refusal('No registration has this id.');
const UPDATED = { description: 'The registration and the tenant.', body: RegistrationUpdated } as const;

function registrationNotFound(registrationId: string): DomainError {
  return new DomainError('NOT_FOUND', `Tenant registration not found for id ${registrationId}`);
}

/** Runs `action` with the tenant id of a registration. Throws NOT_FOUND with the registration's id. */
async function ofRegistration(
  registrationId: string,
  action: (tenantId: string) => Promise<TenantRecord>,
): Promise<TenantRecord> {
  const tenantId = tenantIdOf(registrationId);
  if (tenantId === undefined) throw registrationNotFound(registrationId);
  try {
    return await action(tenantId);
  } catch (error) {
    if (isDomainError(error, 'NOT_FOUND')) throw registrationNotFound(registrationId);
    throw error;
  }
}

function find(params: { readonly tenantRegistrationId: string }, deps: StoreDeps): Promise<TenantRecord> {
  return ofRegistration(params.tenantRegistrationId, (tenantId) => requireTenant(deps, tenantId));
}

/** Idempotency keys are scoped to the caller, so a caller never receives another caller's stored response. */
function callerOf(principal: Principal): string {
  return principal.kind === 'user' ? `user ${principal.userName}` : principal.kind;
}

function createdBody({ tenantId }: TenantRecord): RegistrationCreated {
  const message = 'Tenant registration initiated';
  return { data: { tenantRegistrationId: registrationIdOf(tenantId), tenantId, message } };
}

/** SBT includes the tenant only if the request named its data. */
function updatedBody(deps: ChangeDeps, record: TenantRecord, tenantData: object): RegistrationUpdated {
  return {
    data: {
      tenantRegistration: registrationView(record),
      tenant: Object.keys(tenantData).length > 0 ? tenantBody(deps, record) : null,
      message: 'Tenant registration updated successfully',
    },
  };
}

export const REGISTRATION_OPERATIONS: readonly ControlPlaneOperation[] = [
  operation({
    id: 'createTenantRegistration',
    method: 'POST',
    path: '/tenant-registrations',
    access: WRITE,
    tag: 'Tenant registrations',
    summary: 'Register a tenant and start its onboarding',
    headers: IDEMPOTENCY_HEADER,
    body: NewRegistration,
    responses: {
      201: { description: 'The onboarding has been requested.', body: RegistrationCreated },
      409: refusal('The name or the email is taken.'),
    },
    async handle({ body, principal, headers }, deps) {
      const { adminPassword, tenantId: _ignored, ...content } = body;
      const { tenantData, tenantRegistrationData } = content;
      const tenant: NewTenant = {
        tenantName: tenantData.tenantName,
        email: tenantData.email,
        tier: tenantData.tier,
        tenantExtras: extrasOf(tenantData),
        registrationExtras: extrasOf(tenantRegistrationData),
        statusGiven: tenantRegistrationData.registrationStatus !== undefined,
      };
      const intent = intentOf(headers['idempotency-key'], `registration ${callerOf(principal)}`, content);
      const nameAt = ['body', 'tenantData', 'tenantName'];
      return {
        status: 201,
        body: await register(deps, tenant, { adminPassword, intent, nameAt, result: createdBody }),
      };
    },
  }),
  operation({
    id: 'listTenantRegistrations',
    method: 'GET',
    path: '/tenant-registrations',
    access: READ,
    tag: 'Tenant registrations',
    summary: 'List registrations in order of name',
    query: TenantQuery,
    responses: { 200: { description: 'One page.', body: RegistrationList }, 400: BAD_PAGE_TOKEN },
    handle: async ({ query }, deps) => ({ status: 200, body: await tenantPage(deps, query, registrationView) }),
  }),
  operation({
    id: 'getTenantRegistration',
    method: 'GET',
    path: '/tenant-registrations/{tenantRegistrationId}',
    access: READ,
    tag: 'Tenant registrations',
    summary: 'Get a registration, including that of a deleted tenant',
    responses: { 200: { description: 'The registration.', body: RegistrationResponse }, 404: NO_REGISTRATION },
    handle: async ({ params }, deps) => ({ status: 200, body: { data: registrationView(await find(params, deps)) } }),
  }),
  operation({
    id: 'reportTenantRegistration',
    method: 'PATCH',
    path: '/tenant-registrations/{tenantRegistrationId}',
    access: MACHINE,
    tag: 'Tenant registrations',
    summary: 'Apply a report of the application plane',
    find,
    body: RegistrationReport,
    responses: { 200: UPDATED, 404: NO_REGISTRATION },
    async handle({ params, body }, deps) {
      const record = await ofRegistration(params.tenantRegistrationId, (id) => applyReport(deps, id, body));
      return { status: 200, body: updatedBody(deps, record, body.tenantData) };
    },
  }),
  operation({
    id: 'updateTenantRegistration',
    method: 'PATCH',
    path: '/tenant-registrations/{tenantRegistrationId}',
    access: WRITE,
    tag: 'Tenant registrations',
    summary: "Change a tenant's name, email and own keys",
    find,
    body: RegistrationChange,
    responses: {
      200: UPDATED,
      404: NO_REGISTRATION,
      409: refusal('The name or the email is taken, or the tenant is being deleted.'),
    },
    async handle({ params, body }, deps) {
      const record = await ofRegistration(params.tenantRegistrationId, (id) => updateTenant(deps, id, body));
      return { status: 200, body: updatedBody(deps, record, body.tenantData) };
    },
  }),
  operation({
    id: 'deleteTenantRegistration',
    method: 'DELETE',
    path: '/tenant-registrations/{tenantRegistrationId}',
    access: WRITE,
    tag: 'Tenant registrations',
    summary: 'Offboard a tenant: delete its compute, data, users and keys',
    responses: {
      200: { description: 'The offboarding has been requested.', body: RegistrationDeleted },
      404: NO_REGISTRATION,
      409: refusal("The deletion was requested already, or the tenant's state does not allow it."),
    },
    async handle({ params }, deps) {
      await ofRegistration(params.tenantRegistrationId, (tenantId) => offboard(deps, tenantId));
      return { status: 200, body: { data: { message: 'Tenant registration deletion initiated' } } };
    },
  }),
  operation({
    id: 'retryTenantRegistration',
    method: 'POST',
    path: '/tenant-registrations/{tenantRegistrationId}/retry',
    access: WRITE,
    tag: 'Tenant registrations',
    summary: 'Retry an onboarding or offboarding that failed or stalled',
    responses: {
      200: { description: 'It has been requested again.', body: RegistrationRetried },
      404: NO_REGISTRATION,
      409: refusal('Nothing failed or stalled.'),
    },
    async handle({ params }, deps) {
      const { tenantId, state } = await ofRegistration(params.tenantRegistrationId, (id) => retry(deps, id));
      const message = 'Tenant registration retried';
      return {
        status: 200,
        body: { data: { tenantRegistrationId: registrationIdOf(tenantId), tenantId, state, message } },
      };
    },
  }),
];
