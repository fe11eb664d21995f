import type { RealmId } from '../ports/identity.ts';
import type { ClusterId } from '../ports/runtime.ts';
import type { Key } from '../ports/table.ts';
import type { TenantState } from '../tenant/lifecycle.ts';
import type { TierName } from '../tier/tiers.ts';

/**
 * The registry the gateway reads: who a subject is, and where a tenant is served. Identity writes subjects in the
 * transaction that writes the user; the provisioner writes routes. Nothing here comes from a client.
 */
export interface Subject {
  readonly issuer: string;
  readonly subject: string;
  readonly realm: RealmId;
  readonly userName: string;
  readonly email: string;
  readonly role: string;
  /** Absent for system users. */
  readonly tenantId?: string;
  readonly enabled: boolean;
}

export interface Route {
  readonly tenantId: string;
  readonly slug: string;
  readonly tier: TierName;
  readonly state: TenantState;
  /** Metering key of the tenant's usage plan; identifies nobody, leaves the platform never. Absent: 403 Forbidden. */
  readonly apiKey?: string;
  readonly realm: RealmId;
  readonly cluster: ClusterId;
  /** true: the tenant's own tasks; false: the pooled ones. */
  readonly silo: boolean;
}

export function subjectKey(realm: RealmId, subject: string): Key<Subject> {
  return { pk: `subject#${realm}#${subject}`, sk: 'subject' };
}

export function routeKey(tenantId: string): Key<Route> {
  return { pk: `route#${tenantId}`, sk: 'route' };
}

/** Live task sockets of one service, as the platform tells the gateway and an agent its tasks. */
export interface ServiceEndpoints {
  readonly cluster: ClusterId;
  readonly tenantId: string | null;
  readonly service: string;
  /** Unix socket paths of healthy tasks. */
  readonly sockets: readonly string[];
}
