import * as z from 'zod';
import { DomainError } from '../../../core/errors.ts';
import { slugOf } from '../../../core/tenant/names.ts';
import type { TenantRecord } from '../../../core/tenant/record.ts';
import type { ApiResponse } from '../http/http.ts';
import { type Access, type Route, route } from '../http/route.ts';
import { getTenant, tenantBySlug } from './tenant-store.ts';

const PUBLIC: Access = { kind: 'public' };

/** The public part of a living tenant, and nothing else of it. Throws NOT_FOUND in SBT's words. */
function configAnswer(asked: string, record: TenantRecord | undefined): ApiResponse {
  if (!record?.active || record.tenantConfig === undefined) {
    throw new DomainError('NOT_FOUND', `No tenant details found for ${asked}`);
  }
  const config = JSON.parse(record.tenantConfig) as Record<string, unknown>;
  // The name may have changed since the application plane wrote this.
  return { status: 200, body: 'tenantName' in config ? { ...config, tenantName: record.tenantName } : config };
}

/** The tenant's name in `https://acme.example.com`, as SBT takes it: the host's first label. */
function nameOfOrigin(origin: string): string | undefined {
  return origin.split('://')[1]?.split(/[.:/]/)[0];
}

function badRequest(message: string): ApiResponse {
  return { status: 400, body: { statusCode: 400, message } };
}

const configQuery = z.object({ tenantId: z.string().optional(), tenantName: z.string().optional() });

export const TENANT_CONFIG_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/tenant-config/{tenantName}',
    access: PUBLIC,
    tag: 'Sign-in',
    summary: 'What a login page needs of a tenant, by name',
    answer: { status: 200, description: 'Issuer, client and addresses.' },
    async handle({ params }, deps) {
      const name = params.tenantName ?? '';
      return configAnswer(name, await tenantBySlug(deps, slugOf(name)));
    },
  }),
  route({
    method: 'GET',
    path: '/tenant-config',
    access: PUBLIC,
    tag: 'Sign-in',
    summary: "What a login page needs of a tenant, by id, by name, or by the Origin's first label",
    query: configQuery,
    answer: { status: 200, description: 'Issuer, client and addresses.' },
    async handle({ query, request }, deps) {
      if (query.tenantId) return configAnswer(query.tenantId, (await getTenant(deps, query.tenantId))?.data);
      const { origin } = request.headers;
      if (!query.tenantName && !origin) return badRequest('Origin header missing!');
      const name = query.tenantName || nameOfOrigin(origin ?? '');
      if (!name) return badRequest('Unable to parse tenant name!');
      return configAnswer(name, await tenantBySlug(deps, slugOf(name)));
    },
  }),
];
