import { DomainError } from '../../../../core/errors.ts';
import type { VerifiedToken } from '../../../../core/identity/authorize.ts';
import type { TenantClaims } from '../../../../core/identity/tenant-claims.ts';
import type { RealmSpec, User } from '../../../../core/ports/identity.ts';
import { openUserStoreScene, TENANT, type UserStoreScene } from '../user-store-scene.ts';

export const POOL: RealmSpec = { id: 'pool', displayName: 'Pool' };
export const PASSWORD = 'Correct-horse-7';
/** The tenant of a user whom the administrators of TENANT do not see. */
const OTHER_TENANT = 'bbbbbbbb0000000000000000bb';

/** Two tenants in the realm `pool`, and what the handlers of the users API need to serve their users. */
export interface UsersApiScene extends UserStoreScene {
  readonly admin: User;
  readonly member: User;
  /** Invited, and has not signed in yet. */
  readonly invited: User;
  /** Of another tenant. */
  readonly stranger: User;
  /** The token that any `Authorization` header stands for. A request without the header is refused. */
  token: VerifiedToken;
  /** The record of TENANT. */
  claims: TenantClaims | undefined;
  authorize(header: string | undefined): Promise<VerifiedToken>;
  tenantClaims(tenantId: string): Promise<TenantClaims | undefined>;
}

export async function openUsersApiScene(): Promise<UsersApiScene> {
  const scene = await openUserStoreScene();
  const { identity } = scene;
  const user = (name: string, role: string, tenantId: string) =>
    identity.createUser('pool', { ...named(name), role, tenantId, password: PASSWORD });
  const admin = await user('ann', 'TenantAdmin', TENANT);
  const opened: UsersApiScene = {
    ...scene,
    admin,
    invited: await identity.createUser('pool', { ...named('bob'), role: 'TenantUser', tenantId: TENANT }),
    member: await user('cleo', 'TenantUser', TENANT),
    stranger: await user('dan', 'TenantAdmin', OTHER_TENANT),
    token: tokenOf(admin, scene.clock.now()),
    claims: { tier: 'basic', active: true, name: 'Acme', slug: 'acme', basis: [] },
    async authorize(header) {
      if (header === undefined) throw new DomainError('UNAUTHENTICATED', 'the request must have a token');
      return opened.token;
    },
    tenantClaims: async (tenantId) => (tenantId === TENANT ? opened.claims : undefined),
  };
  return opened;
}

/** @param nowMs when the token was issued, in epoch milliseconds */
export function tokenOf(user: User, nowMs: number): VerifiedToken {
  const { subject, tenantId } = user;
  const issuedAt = Math.floor(nowMs / 1_000);
  return {
    ...{ issuer: 'x', realm: 'pool', subject, clientId: 'app', scopes: [], issuedAt, expiresAt: 4e9 },
    ...(tenantId !== undefined && { tenantId }),
  };
}

function named(name: string) {
  return { userName: `${name}@a.test`, email: `${name}@a.test` };
}
