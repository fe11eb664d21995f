import { DomainError } from '../../../core/errors.ts';
import type { Step } from '../../../core/tenant/lifecycle.ts';
import { slugOf } from '../../../core/tenant/names.ts';
import { registrationIdOf, type TenantRecord, tenantIdOf } from '../../../core/tenant/record.ts';
import { registrationView, tenantView } from '../../../core/tenant/views.ts';
import type { ControlPlaneDeps, StoreDeps } from '../http/deps.ts';
import { type ApiResponse, type Principal, SCOPES } from '../http/http.ts';
import { type Intent, intentOf } from '../http/idempotency.ts';
import { type Access, type Route, route } from '../http/route.ts';
import {
  newRegistration,
  registrationChange,
  registrationReport,
  type TenantList,
  tenantData,
  tenantList,
} from '../http/schemas.ts';
import { applyReport, extrasOf, offboard, retry, updateTenant } from './changes.ts';
import { type NewTenant, register, registeredAnswer } from './register.ts';
import { getTenant, listTenants } from './tenant-store.ts';

const READ: Access = { kind: 'user', scope: SCOPES.tenantRead, writes: false, machineToo: true };
const WRITE: Access = { kind: 'user', scope: SCOPES.tenantWrite, writes: true, machineToo: true };
const MACHINE: Access = { kind: 'machine' };

const IDEMPOTENCY_HEADER = {
  name: 'Idempotency-Key',
  description: 'The same key with the same body gets the first answer, for 24 hours; with another body 422.',
};

function registrationTenant(registrationId: string): string {
  const tenantId = tenantIdOf(registrationId);
  if (tenantId === undefined) throw registrationNotFound(registrationId);
  return tenantId;
}

function registrationNotFound(registrationId: string): DomainError {
  return new DomainError('NOT_FOUND', `Tenant registration not found for id ${registrationId}`);
}

/** Runs `change` of a registration's tenant, so that an unknown one is told by its own id. */
async function ofRegistration(
  registrationId: string,
  change: (tenantId: string) => Promise<TenantRecord>,
): Promise<TenantRecord> {
  const tenantId = registrationTenant(registrationId);
  try {
    return await change(tenantId);
  } catch (error) {
    if (error instanceof DomainError && error.code === 'NOT_FOUND') throw registrationNotFound(registrationId);
    throw error;
  }
}

async function requireTenant(deps: StoreDeps, tenantId: string): Promise<TenantRecord> {
  const item = await getTenant(deps, tenantId);
  if (!item) throw new DomainError('NOT_FOUND', `Tenant not found for id ${tenantId}`);
  return item.data;
}

function findRegistration(params: Readonly<Record<string, string>>, deps: StoreDeps): Promise<TenantRecord> {
  return ofRegistration(params.tenantRegistrationId ?? '', (tenantId) => requireTenant(deps, tenantId));
}

async function listed(
  deps: StoreDeps,
  query: TenantList,
  view: (record: TenantRecord) => object,
): Promise<ApiResponse> {
  const { items, next } = await listTenants(deps, {
    limit: query.limit,
    includeDeleted: query.include === 'deleted',
    ...(query.next_token !== undefined && { token: query.next_token }),
    ...(query.state !== undefined && { state: query.state }),
    ...(query.tier !== undefined && { tier: query.tier }),
    ...(query.name !== undefined && { slugPrefix: slugOf(query.name) }),
  });
  return { status: 200, body: { data: items.map(view), ...(next !== undefined && { next_token: next }) } };
}

/** An idempotency key is its caller's own: nobody hits upon another's answer. */
function callerOf(principal: Principal): string {
  return principal.kind === 'user' ? `user ${principal.userName}` : principal.kind;
}

function updatedAnswer(record: TenantRecord, tenantTold: boolean): ApiResponse {
  const data = {
    tenantRegistration: registrationView(record),
    tenant: tenantTold ? tenantView(record) : null,
    message: 'Tenant registration updated successfully',
  };
  return { status: 200, body: { data } };
}

function isGiven(part: object): boolean {
  return Object.keys(part).length > 0;
}

async function progressOf(deps: ControlPlaneDeps, record: TenantRecord): Promise<readonly Step[]> {
  const live = record.state === 'deleted' ? [] : await deps.operator.progress(record.tenantId);
  return live.length > 0 ? live : (record.steps ?? []);
}

const registrationRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/tenant-registrations',
    access: WRITE,
    tag: 'Tenant registrations',
    summary: 'Register a tenant; its onboarding begins at once',
    body: newRegistration,
    headers: [IDEMPOTENCY_HEADER],
    answer: { status: 201, description: 'Stored, with its onboarding request.' },
    handle({ body, principal, request }, deps) {
      const { adminPassword, tenantId: _ignored, ...content } = body;
      const intent: Intent | undefined = intentOf(
        request.headers['idempotency-key'],
        `registration ${callerOf(principal)}`,
        content,
      );
      const asked: NewTenant = {
        tenantName: body.tenantData.tenantName,
        email: body.tenantData.email,
        tier: body.tenantData.tier,
        tenantExtras: extrasOf(body.tenantData),
        registrationExtras: extrasOf(body.tenantRegistrationData),
        statusGiven: body.tenantRegistrationData.registrationStatus !== undefined,
      };
      return register(deps, asked, { adminPassword, intent, answer: registeredAnswer });
    },
  }),
  route({
    method: 'GET',
    path: '/tenant-registrations',
    access: READ,
    tag: 'Tenant registrations',
    summary: 'List registrations, in order of name',
    query: tenantList,
    answer: { status: 200, description: 'One page.' },
    handle: ({ query }, deps) => listed(deps, query, registrationView),
  }),
  route({
    method: 'GET',
    path: '/tenant-registrations/{tenantRegistrationId}',
    access: READ,
    tag: 'Tenant registrations',
    summary: 'One registration, also of a deleted tenant',
    answer: { status: 200, description: 'The registration.' },
    async handle({ params }, deps) {
      return { status: 200, body: { data: registrationView(await findRegistration(params, deps)) } };
    },
  }),
  route({
    method: 'PATCH',
    path: '/tenant-registrations/{tenantRegistrationId}',
    access: MACHINE,
    tag: 'Tenant registrations',
    summary: "Take the application plane's report",
    find: findRegistration,
    body: registrationReport,
    answer: { status: 200, description: 'The registration and, where its data were given, the tenant.' },
    async handle({ params, body }, deps) {
      const record = await ofRegistration(params.tenantRegistrationId ?? '', (id) => applyReport(deps, id, body));
      return updatedAnswer(record, isGiven(body.tenantData));
    },
  }),
  route({
    method: 'PATCH',
    path: '/tenant-registrations/{tenantRegistrationId}',
    access: WRITE,
    tag: 'Tenant registrations',
    summary: "Change a tenant's name, contact and own keys",
    find: findRegistration,
    body: registrationChange,
    answer: { status: 200, description: 'The registration and, where its data were given, the tenant.' },
    async handle({ params, body }, deps) {
      const record = await ofRegistration(params.tenantRegistrationId ?? '', (id) => updateTenant(deps, id, body));
      return updatedAnswer(record, isGiven(body.tenantData));
    },
  }),
  route({
    method: 'DELETE',
    path: '/tenant-registrations/{tenantRegistrationId}',
    access: WRITE,
    tag: 'Tenant registrations',
    summary: 'Offboard a tenant: its processes, data, users and keys are removed',
    answer: { status: 200, description: 'Its offboarding begins.' },
    async handle({ params }, deps) {
      await ofRegistration(params.tenantRegistrationId ?? '', (tenantId) => offboard(deps, tenantId));
      return { status: 200, body: { data: { message: 'Tenant registration deletion initiated' } } };
    },
  }),
  route({
    method: 'POST',
    path: '/tenant-registrations/{tenantRegistrationId}/retry',
    access: WRITE,
    tag: 'Tenant registrations',
    summary: 'Try again an onboarding or offboarding that failed or stalled',
    answer: { status: 200, description: 'It is asked for again.' },
    async handle({ params }, deps) {
      const record = await ofRegistration(params.tenantRegistrationId ?? '', (tenantId) => retry(deps, tenantId));
      const { tenantId, state } = record;
      const data = {
        tenantRegistrationId: registrationIdOf(tenantId),
        tenantId,
        state,
        message: 'Tenant registration retried',
      };
      return { status: 200, body: { data } };
    },
  }),
];

const tenantRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/tenants',
    access: READ,
    tag: 'Tenants',
    summary: 'List tenants, in order of name',
    query: tenantList,
    answer: { status: 200, description: 'One page.' },
    handle: ({ query }, deps) => listed(deps, query, tenantView),
  }),
  route({
    method: 'GET',
    path: '/tenants/{tenantId}',
    access: READ,
    tag: 'Tenants',
    summary: 'One tenant, also a deleted one',
    answer: { status: 200, description: 'The tenant.' },
    async handle({ params }, deps) {
      return { status: 200, body: { data: tenantView(await requireTenant(deps, params.tenantId ?? '')) } };
    },
  }),
  route({
    method: 'GET',
    path: '/tenants/{tenantId}/progress',
    access: READ,
    tag: 'Tenants',
    summary: 'The steps of the run under way, or of the last one, with their times',
    answer: { status: 200, description: 'State and steps.' },
    async handle({ params }, deps) {
      const record = await requireTenant(deps, params.tenantId ?? '');
      const { tenantId, state, reason } = record;
      return { status: 200, body: { data: { tenantId, state, reason, steps: await progressOf(deps, record) } } };
    },
  }),
  route({
    method: 'POST',
    path: '/tenants',
    access: MACHINE,
    tag: 'Internal',
    summary: 'Register a tenant, answered by the tenant itself',
    body: tenantData,
    answer: { status: 201, description: 'The tenant.' },
    handle({ body }, deps) {
      const { tenantName, email, tier } = body;
      const asked = {
        tenantName,
        email,
        tier,
        tenantExtras: extrasOf(body),
        registrationExtras: {},
        statusGiven: false,
      };
      return register(deps, asked, { answer: (record) => ({ status: 201, body: { data: tenantView(record) } }) });
    },
  }),
  route({
    method: 'PUT',
    path: '/tenants/{tenantId}',
    access: MACHINE,
    tag: 'Internal',
    summary: "Report on a tenant's data",
    body: registrationReport.shape.tenantData,
    answer: { status: 200, description: 'The tenant.' },
    async handle({ params, body }, deps) {
      const record = await applyReport(deps, params.tenantId ?? '', { tenantData: body, tenantRegistrationData: {} });
      return { status: 200, body: { data: tenantView(record) } };
    },
  }),
  route({
    method: 'DELETE',
    path: '/tenants/{tenantId}',
    access: MACHINE,
    tag: 'Internal',
    summary: 'Offboard a tenant, answered by the tenant itself',
    answer: { status: 200, description: 'The tenant.' },
    async handle({ params }, deps) {
      return { status: 200, body: { data: tenantView(await offboard(deps, params.tenantId ?? '')) } };
    },
  }),
];

export const TENANT_ROUTES: readonly Route[] = [...registrationRoutes, ...tenantRoutes];
