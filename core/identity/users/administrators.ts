import { DomainError } from '../../errors.ts';
import type { RealmId, TenantRole, User } from '../../ports/identity.ts';

/** The role of system users who may write. */
export const SYSTEM_ADMIN = 'SystemAdmin';
/** The role of tenants' users who may manage the users of their tenant. */
export const TENANT_ADMIN = 'TenantAdmin' satisfies TenantRole;

function roleOf(realm: RealmId): string {
  return realm === 'admin' ? SYSTEM_ADMIN : TENANT_ADMIN;
}

/** Whether the user is an enabled administrator: of the platform in realm `admin`, of the user's tenant elsewhere. */
export function isAdministrator(realm: RealmId, user: Pick<User, 'enabled' | 'role'>): boolean {
  return user.enabled && user.role === roleOf(realm);
}

/**
 * Whether `other` keeps the platform, or the tenant of `user`, administered without `user`. An invited user who has never
 * signed in may never do so, and does not count.
 */
export function canReplace(realm: RealmId, user: User, other: User): boolean {
  return (
    other.subject !== user.subject &&
    other.tenantId === user.tenantId &&
    isAdministrator(realm, other) &&
    other.status === 'CONFIRMED'
  );
}

/** The error of a change that would leave the platform, or a tenant, without an administrator who has signed in. */
export function lastAdministrator(realm: RealmId, { userName }: User): DomainError {
  return new DomainError('CONFLICT', `User ${userName} is the last enabled ${roleOf(realm)} who has signed in`);
}
