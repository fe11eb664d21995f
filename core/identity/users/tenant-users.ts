import { DomainError } from '../../errors.ts';
import type { Identity, MailTenant, RealmSpec, TenantRole, User, UserPage } from '../../ports/identity.ts';
import type { Check } from '../../ports/table.ts';
import { acceptsToken } from '../../routing/registry.ts';
import type { VerifiedToken } from '../authorize.ts';
import type { TenantClaimsLookup } from '../tenant-claims.ts';
import { isAdministrator, TENANT_ADMIN } from './administrators.ts';

export interface TenantUsersOptions {
  readonly identity: Identity;
  readonly tenantClaims: TenantClaimsLookup;
}

/** The users of one tenant, for its administrator. Users of other tenants are unknown users here. */
export interface TenantUsers {
  list(page: { readonly after?: string; readonly limit: number }): Promise<UserPage>;
  /** Throws NOT_FOUND. */
  get(userName: string): Promise<User>;
  /** Invites a user by mail. Throws CONFLICT if the user name or the email is taken, INVALID. */
  create(user: { readonly userName: string; readonly email: string; readonly role: TenantRole }): Promise<User>;
  /** Throws NOT_FOUND, CONFLICT for the tenant's last administrator. */
  change(userName: string, change: { readonly role?: TenantRole; readonly enabled?: boolean }): Promise<User>;
  /** Mails a new temporary password. Throws NOT_FOUND, CONFLICT if the user has signed in or is disabled. */
  invite(userName: string): Promise<User>;
  /** Throws NOT_FOUND, CONFLICT for the tenant's last administrator. */
  delete(userName: string): Promise<void>;
}

/**
 * The users of the caller's tenant. The user's current record decides what the tenant is and whether the caller is its
 * administrator; the token only identifies the caller. Every change checks this again, in the transaction that writes it.
 *
 * Throws UNAUTHENTICATED if the token is of another realm or its user is unknown or disabled, FORBIDDEN if the user is
 * not an administrator of the tenant in the token or the tenant is not active.
 */
export async function openTenantUsers(
  options: TenantUsersOptions,
  realm: RealmSpec,
  token: VerifiedToken,
): Promise<TenantUsers> {
  const { tenantId, invitation } = await administration(options, realm, token);
  const guard = async () => (await administration(options, realm, token)).basis;
  return usersOfTenant(options.identity.guardedBy(guard), realm, tenantId, invitation);
}

interface Administration {
  readonly tenantId: string;
  readonly invitation: MailTenant;
  /** The conditions under which the caller administers the tenant, and the tenant is active. */
  readonly basis: readonly Check[];
}

async function administration(
  { identity, tenantClaims }: TenantUsersOptions,
  realm: RealmSpec,
  token: VerifiedToken,
): Promise<Administration> {
  if (token.realm !== realm.id) throw new DomainError('UNAUTHENTICATED', 'the token must be of this realm');
  const caller = await identity.caller(realm.id, token.subject);
  if (!caller || !acceptsToken(caller, token.issuedAt)) {
    throw new DomainError('UNAUTHENTICATED', 'the user must be enabled and signed in');
  }
  const { tenantId } = caller;
  if (tenantId === undefined || tenantId !== token.tenantId || !isAdministrator(realm.id, caller))
    throw new DomainError('FORBIDDEN', `only a ${TENANT_ADMIN} can manage users`);
  const claims = await tenantClaims(tenantId);
  // A user who is created while the tenant is being deleted could outlive it.
  if (!claims?.active) throw new DomainError('FORBIDDEN', 'the tenant must be active');
  const invitation = { tenantName: claims.name, slug: claims.slug };
  return { tenantId, invitation, basis: [...caller.basis, ...claims.basis] };
}

function usersOfTenant(identity: Identity, { id }: RealmSpec, tenantId: string, invitation: MailTenant): TenantUsers {
  async function get(userName: string): Promise<User> {
    const user = await identity.user(id, userName);
    if (user?.tenantId !== tenantId) throw new DomainError('NOT_FOUND', 'user not found');
    return user;
  }

  return {
    get,
    list: (page) => identity.users(id, { tenantId, ...page }),
    create: (user) => identity.createUser(id, { ...user, tenantId, invitation }),

    async change(name, change) {
      const user = await get(name);
      return Object.keys(change).length === 0 ? user : identity.updateUser(id, user.userName, change);
    },

    invite: async (name) => identity.inviteUser(id, (await get(name)).userName, invitation),

    async delete(name) {
      await identity.deleteUser(id, (await get(name)).userName);
    },
  };
}
