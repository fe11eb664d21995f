import * as z from 'zod';
import { DomainError } from '../../../core/errors.ts';
import { slugOf } from '../../../core/fields/slug.ts';
import type { TenantRecord } from '../../../core/tenant/record.ts';
import { type ControlPlaneOperation, operation, PUBLIC, refusal } from '../http/operation.ts';
import { TenantConfig } from './responses.ts';
import { getTenant, tenantBySlug } from './tenant-store.ts';

const CONFIG = { description: 'Issuer, client and addresses.', body: TenantConfig } as const;
const NO_TENANT = refusal('No such tenant exists, or it has no configuration yet.');

/** The public part of a tenant, and nothing else of it. Throws NOT_FOUND with SBT's message. */
function configResponse(requested: string, record: TenantRecord | undefined) {
  if (!record?.active || record.tenantConfig === undefined) {
    throw new DomainError('NOT_FOUND', `No tenant details found for ${requested}`);
  }
  const config = JSON.parse(record.tenantConfig) as Record<string, unknown>;
  // The tenant may have been renamed since the application plane wrote its configuration.
  const body = 'tenantName' in config ? { ...config, tenantName: record.tenantName } : config;
  return { status: 200, body } as const;
}

/** The tenant's name in an origin such as `https://acme.example.com`. As in SBT, it is the first label of the host. */
function nameOfOrigin(origin: string): string | undefined {
  return origin.split('://')[1]?.split(/[.:/]/)[0];
}

function badRequest(message: string) {
  return { status: 400, body: { statusCode: 400, message } } as const;
}

export const TENANT_CONFIG_OPERATIONS: readonly ControlPlaneOperation[] = [
  operation({
    id: 'getTenantConfigByName',
    method: 'GET',
    path: '/tenant-config/{tenantName}',
    access: PUBLIC,
    tag: 'Sign-in',
    summary: 'Get what a sign-in page needs of a tenant, by name',
    responses: { 200: CONFIG, 404: NO_TENANT },
    async handle({ params: { tenantName } }, deps) {
      return configResponse(tenantName, await tenantBySlug(deps, slugOf(tenantName)));
    },
  }),
  operation({
    id: 'getTenantConfig',
    method: 'GET',
    path: '/tenant-config',
    access: PUBLIC,
    tag: 'Sign-in',
    summary: 'Get what a sign-in page needs of a tenant, by id, by name, or by the first label of the Origin',
    query: z.object({ tenantId: z.string().optional(), tenantName: z.string().optional() }),
    headers: { origin: 'Its first label is the name of the tenant, unless the query names one.' },
    responses: { 200: CONFIG, 400: refusal('The request names no tenant.'), 404: NO_TENANT },
    async handle({ query, headers: { origin } }, deps) {
      if (query.tenantId) return configResponse(query.tenantId, (await getTenant(deps, query.tenantId))?.data);
      if (!query.tenantName && !origin) return badRequest('Origin header missing!');
      const name = query.tenantName || nameOfOrigin(origin ?? '');
      if (!name) return badRequest('Unable to parse tenant name!');
      return configResponse(name, await tenantBySlug(deps, slugOf(name)));
    },
  }),
];
