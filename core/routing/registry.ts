import type { RealmId } from '../ports/identity.ts';
import type { ClusterId } from '../ports/places.ts';
import type { Key } from '../ports/table.ts';
import type { TenantState } from '../tenant/lifecycle.ts';
import type { TierName } from '../tier/tiers.ts';

/**
 * A user in the registry that the gateway reads. Identity writes the subject in the transaction that writes the user; no
 * field comes from a client.
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
  /** Tokens that were issued before this time are refused; epoch seconds. @default - none are */
  readonly tokensValidFrom?: number;
}

/**
 * Whether the user of a token may act now: the user is enabled, and has not ended all sessions since the token was issued.
 * @param issuedAt the token's `iat`, in epoch seconds
 */
export function acceptsToken(
  { enabled, tokensValidFrom }: Pick<Subject, 'enabled' | 'tokensValidFrom'>,
  issuedAt: number,
): boolean {
  return enabled && (tokensValidFrom === undefined || issuedAt >= tokensValidFrom);
}

/** Where the gateway sends a tenant's requests. The provisioner writes it; no field comes from a client. */
export interface Route {
  readonly tenantId: string;
  readonly slug: string;
  readonly tier: TierName;
  readonly state: TenantState;
  /** Metering key of the tenant's usage plan; it is not an identity and never leaves the platform. Absent: 403 Forbidden. */
  readonly apiKey?: string;
  readonly realm: RealmId;
  readonly cluster: ClusterId;
  /** true: the tenant's own tasks serve it; false: the pooled ones do. */
  readonly silo: boolean;
}

/** The part of a route that follows from the tenant's tier and name. */
export type RouteTarget = Pick<Route, 'slug' | 'tier' | 'realm' | 'cluster' | 'silo'>;

export function subjectKey(realm: RealmId, subject: string): Key<Subject> {
  return { pk: `subject#${realm}#${subject}`, sk: 'subject' };
}

export function routeKey(tenantId: string): Key<Route> {
  return { pk: `route#${tenantId}`, sk: 'route' };
}

/** The sockets of one service's healthy tasks, as the platform sends them to the gateway and an agent to its tasks. */
export interface ServiceEndpoints {
  readonly cluster: ClusterId;
  readonly tenantId: string | null;
  readonly service: string;
  /** Paths of Unix sockets. */
  readonly sockets: readonly string[];
  /** Why no task serves: its data cannot be opened, or its tasks do not start. Absent while one serves or may soon. */
  readonly failure?: ServiceFailure;
}

export const SERVICE_FAILURES = ['data', 'start'] as const;
export type ServiceFailure = (typeof SERVICE_FAILURES)[number];
