import { DomainError } from '../../errors.ts';
import type { RealmId, TenantRole, User } from '../../ports/identity.ts';

/** The role of system users who may write. */
export const SYSTEM_ADMIN = 'SystemAdmin';
/** The role of tenants' users who may manage the users of their tenant. */
export const TENANT_ADMIN = 'TenantAdmin' satisfies TenantRole;

interface AdministratorRule {
  readonly role: string;
  /** true: an invited user who has never signed in does not count as a remaining administrator. */
  readonly mustHaveSignedIn: boolean;
}

const SYSTEM_RULE: AdministratorRule = { role: SYSTEM_ADMIN, mustHaveSignedIn: true };
const TENANT_RULE: AdministratorRule = { role: TENANT_ADMIN, mustHaveSignedIn: false };

function ruleOf(realm: RealmId): AdministratorRule {
  return realm === 'admin' ? SYSTEM_RULE : TENANT_RULE;
}

/** Whether the user is an enabled administrator: of the platform in realm `admin`, of the user's tenant elsewhere. */
export function isAdministrator(realm: RealmId, user: User): boolean {
  return user.enabled && user.role === ruleOf(realm).role;
}

/** Whether `other` keeps the platform, or the tenant of `user`, administered without `user`. */
export function canReplace(realm: RealmId, user: User, other: User): boolean {
  return (
    other.subject !== user.subject &&
    other.tenantId === user.tenantId &&
    isAdministrator(realm, other) &&
    (!ruleOf(realm).mustHaveSignedIn || other.status === 'CONFIRMED')
  );
}

/** The error of a change that would leave the platform, or a tenant, without an administrator. */
export function lastAdministrator(realm: RealmId, { userName }: User): DomainError {
  const { role, mustHaveSignedIn } = ruleOf(realm);
  const suffix = mustHaveSignedIn ? ' who has signed in' : '';
  return new DomainError('CONFLICT', `User ${userName} is the last enabled ${role}${suffix}`);
}
