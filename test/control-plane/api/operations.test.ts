import { describe, expect, test } from '@jest/globals';
import { APP_PLANE_OPERATIONS } from '../../../control-plane/api/app-plane-operations.ts';
import type { ControlPlaneOperation } from '../../../control-plane/api/http/operation.ts';
import { LOCAL_OPERATIONS } from '../../../control-plane/api/local-operations.ts';
import { createOperations } from '../../../control-plane/api/operations.ts';

const ALL = createOperations(LOCAL_OPERATIONS);

/** Who may call, in one word each: the scope, then `admin` for SystemAdmin, then `machine` for the platform's own clients. */
function accessOf({ access }: ControlPlaneOperation): string {
  if (access.kind !== 'user') return access.kind;
  const { scope = 'any', role, machineToo } = access;
  const admin = role === 'SystemAdmin' ? 'admin' : role;
  return [scope.replace(/^.*\//, ''), admin, machineToo && 'machine'].filter(Boolean).join(' ');
}

/**
 * The contract of the API, written down a second time on purpose. Generated clients are named by the ids, and the
 * documentation is grouped by the tags. The last words say who may call the operation.
 */
const CONTRACT: Readonly<Record<string, readonly string[]>> = {
  'Tenant registrations': [
    'createTenantRegistration: POST /tenant-registrations: tenant_write admin machine',
    'listTenantRegistrations: GET /tenant-registrations: tenant_read machine',
    'getTenantRegistration: GET /tenant-registrations/{tenantRegistrationId}: tenant_read machine',
    'reportTenantRegistration: PATCH /tenant-registrations/{tenantRegistrationId}: machine',
    'updateTenantRegistration: PATCH /tenant-registrations/{tenantRegistrationId}: tenant_write admin machine',
    'deleteTenantRegistration: DELETE /tenant-registrations/{tenantRegistrationId}: tenant_write admin machine',
    'retryTenantRegistration: POST /tenant-registrations/{tenantRegistrationId}/retry: tenant_write admin machine',
  ],
  Tenants: [
    'listTenants: GET /tenants: tenant_read machine',
    'getTenant: GET /tenants/{tenantId}: tenant_read machine',
    'getTenantProgress: GET /tenants/{tenantId}/progress: tenant_read machine',
    'inviteTenantAdmin: POST /tenants/{tenantId}/invitation: tenant_write admin',
    'getTenantPlan: GET /tenants/{tenantId}/plan: tenant_read',
  ],
  Internal: [
    'createTenant: POST /tenants: machine',
    'reportTenant: PUT /tenants/{tenantId}: machine',
    'deleteTenant: DELETE /tenants/{tenantId}: machine',
  ],
  'Sign-in': [
    'getTenantConfigByName: GET /tenant-config/{tenantName}: public',
    'getTenantConfig: GET /tenant-config: public',
    'describePlatform: GET /.well-known/tierplane: public',
  ],
  'Sign-up': ['signUp: POST /onboarding: public'],
  'System users': [
    'createSystemUser: POST /users: user_write admin',
    'listSystemUsers: GET /users: user_read',
    'getSystemUser: GET /users/{userName}: user_read',
    'updateSystemUser: PUT /users/{userName}: user_write admin',
    'enableSystemUser: PUT /users/{userName}/enable: user_write admin',
    'disableSystemUser: PUT /users/{userName}/disable: user_write admin',
    'inviteSystemUser: POST /users/{userName}/invitation: user_write admin',
    'endSystemUserSessions: DELETE /users/{userName}/sessions: user_write admin',
    'endOwnSessions: DELETE /me/sessions: any',
    'deleteSystemUser: DELETE /users/{userName}: user_write admin',
    'setSystemUserPassword: PUT /users/{userName}/password: user_write admin',
  ],
  Credentials: [
    'createCredential: POST /credentials: user_write admin',
    'listCredentials: GET /credentials: user_read',
    'deleteCredential: DELETE /credentials/{clientId}: user_write admin',
  ],
  Operation: [
    'listServices: GET /operator/services: tenant_read',
    'restartService: POST /operator/services/restart: tenant_write admin',
    'scaleService: POST /operator/services/scale: tenant_write admin',
    'getTenantRelease: GET /operator/tenants/{tenantId}/release: tenant_read',
    'updateTenantRelease: POST /operator/tenants/{tenantId}/release: tenant_write admin',
    'createProbe: POST /operator/tenants/{tenantId}/probe: tenant_write admin',
    'deleteProbe: DELETE /operator/tenants/{tenantId}/probe: tenant_write admin',
    'getPlatformStatus: GET /operator/status: tenant_read',
    'getTiers: GET /operator/tiers: tenant_read',
    'listDeadLetters: GET /operator/dead-letters: tenant_read',
    'replayDeadLetter: POST /operator/dead-letters/{id}/replay: tenant_write admin',
  ],
  Health: ['getHealth: GET /healthz: public', 'getReadiness: GET /readyz: public'],
  Description: ['getOpenApi: GET /openapi.json: public', 'getDocs: GET /docs: public'],
};

test('ID-4: the API has exactly these operations, and exactly these callers may call them', () => {
  const groups = Map.groupBy(ALL, ({ tag = '' }) => tag);
  const actual = [...groups].map(([tag, operations]) => [
    tag,
    operations.map((one) => `${one.id}: ${one.method} ${one.path}: ${accessOf(one)}`),
  ]);
  expect(Object.fromEntries(actual)).toEqual(CONTRACT);
});

test('a home without services and realms of its own leaves out what only such a home can do', () => {
  const added = new Set(LOCAL_OPERATIONS.map(({ id }) => id));
  expect(createOperations().map(({ id }) => id)).toEqual(ALL.map(({ id }) => id).filter((id) => !added.has(id)));
});

test('ID-4: the operations on the compute, the users and the events of the application plane are those of the embedded home', () => {
  const ids = ALL.map(({ id }) => id);
  expect(APP_PLANE_OPERATIONS.filter(({ id }) => !ids.includes(id))).toEqual([]);
  expect(APP_PLANE_OPERATIONS.map(({ id }) => id).sort()).toEqual([
    ...[
      'getTenantPlan',
      'getTenantProgress',
      'getTenantRelease',
      'inviteTenantAdmin',
      'listDeadLetters',
      'listServices',
    ],
    ...['replayDeadLetter', 'restartService', 'scaleService', 'updateTenantRelease'],
  ]);
});

describe('DX-4: each operation describes', () => {
  test.each(ALL)('$id: itself, its responses and its headers', ({ summary, responses, headers = {} }) => {
    const ofResponses = Object.values(responses).flatMap((one) => [
      one.description,
      ...Object.values(one.headers ?? {}),
    ]);
    for (const text of [summary, ...Object.values(headers), ...ofResponses]) expect(text).toMatch(/\w{2}/);
  });

  test('each of its failures, and at least one success', () => {
    for (const { id, responses } of ALL) {
      const statuses = Object.keys(responses).map(Number);
      expect([id, statuses]).toEqual([id, expect.arrayContaining([500, 503])]);
      expect([id, statuses.some((status) => status < 300)]).toEqual([id, true]);
    }
  });
});
