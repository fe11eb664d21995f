import { DomainError } from '../../core/errors.ts';
import type { VerifiedToken } from '../../core/identity/authorize.ts';
import type { RealmId, TenantRole } from '../../core/ports/identity.ts';
import type { Table } from '../../core/ports/table.ts';
import { scopedTable } from '../../core/tenant/scoped-table.ts';
import type { TierName } from '../../core/tier/tiers.ts';

/**
 * What application code knows about its caller, and its only access to data. It is built from a verified token alone, for
 * one request.
 */
export interface TenantContext {
  readonly tenantId: string;
  readonly tier: TierName;
  readonly role: TenantRole;
  readonly realm: RealmId;
  /** The tenant's own data; throws ACCESS_DENIED for any other. */
  readonly table: Table;
  /** The caller's `Authorization` header, for calls of other services and identity on behalf of the caller. Never logged. */
  readonly authorization: string;
  readonly requestId: string;
}

/** A tenant, and the table that is scoped to its data. */
export type TenantData = Pick<TenantContext, 'tenantId' | 'table'>;

/** The tenant that a request was routed to; it must be the token's. */
export interface RouteClaims {
  /** The only tenant that this task serves; '' for a pooled task. */
  readonly served: string;
  /** The gateway's `x-tierplane-tenant`, if any. */
  readonly header: string | undefined;
}

/**
 * The context of one request.
 * Throws FORBIDDEN for a token without tenant, tier or role, and for a request that was routed to another tenant.
 */
export function tenantContext(
  token: VerifiedToken,
  claims: RouteClaims,
  request: { readonly table: Table; readonly authorization: string; readonly requestId: string },
): TenantContext {
  const { tenantId, tier, role, realm } = token;
  if (tenantId === undefined || tier === undefined) {
    throw new DomainError('FORBIDDEN', 'only users of a tenant may call this service');
  }
  if (!isTenantRole(role)) {
    throw new DomainError('FORBIDDEN', 'the role must be TenantAdmin or TenantUser');
  }
  const isOther = (claimed: string | undefined) => claimed !== undefined && claimed !== tenantId;
  if (isOther(claims.served || undefined) || isOther(claims.header)) {
    throw new DomainError('FORBIDDEN', "the request was routed to another tenant than the token's");
  }
  const { table, authorization, requestId } = request;
  return { tenantId, tier, role, realm, table: scopedTable(table, tenantId), authorization, requestId };
}

function isTenantRole(role: string | undefined): role is TenantRole {
  return role === 'TenantAdmin' || role === 'TenantUser';
}
