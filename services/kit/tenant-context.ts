import { DomainError } from '../../core/errors.ts';
import type { VerifiedToken } from '../../core/identity/authorize.ts';
import type { RealmId, TenantRole } from '../../core/ports/identity.ts';
import type { Table } from '../../core/ports/table.ts';
import { guardedTable } from '../../core/retry/guarded-table.ts';
import { scopedTable } from '../../core/tenant/scoped-table.ts';
import type { TierName } from '../../core/tier/tiers.ts';
import type { Rights } from './rights.ts';

/**
 * What application code knows about its caller, and its only access to data. It is built for one request from a verified
 * token, and the caller's role in the registry.
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

/** Who calls, by the verified token. */
export type Caller = Omit<TenantContext, 'role' | 'table'>;

/**
 * The caller of one request.
 * Throws FORBIDDEN for a token without tenant or tier, and for a request that was routed to another tenant.
 */
export function callerOf(
  { tenantId, tier, realm }: VerifiedToken,
  claims: RouteClaims,
  request: Pick<TenantContext, 'authorization' | 'requestId'>,
): Caller {
  if (tenantId === undefined || tier === undefined) {
    throw new DomainError('FORBIDDEN', 'only users of a tenant may call this service');
  }
  const isOther = (claimed: string | undefined) => claimed !== undefined && claimed !== tenantId;
  if (isOther(claims.served || undefined) || isOther(claims.header)) {
    throw new DomainError('FORBIDDEN', "the request was routed to another tenant than the token's");
  }
  return { tenantId, tier, realm, ...request };
}

/**
 * The context of a caller with these rights. Its table checks the rights again before each write of a request that takes
 * long. Throws what `Rights.role` throws.
 */
export async function tenantContext(caller: Caller, rights: Rights, table: Table): Promise<TenantContext> {
  const role = await rights.role();
  const guard = async () => {
    await rights.role();
    return [];
  };
  return { ...caller, role, table: guardedTable(scopedTable(table, caller.tenantId), guard) };
}
