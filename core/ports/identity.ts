import type { JsonObject } from './table.ts';

/** A user pool: one for admins, one shared by basic and advanced tenants, one per premium tenant. */
export type RealmId = 'admin' | 'pool' | `tenant-${string}`;

export interface RealmSpec {
  readonly id: RealmId;
  /** Shown on the sign-in page. */
  readonly displayName: string;
  /** The only tenant whose users may be in it; absent for `admin` and `pool`. */
  readonly tenantId?: string;
}

/** What a client needs to sign in; public. */
export interface RealmConfig {
  readonly issuer: string;
  /** The public (PKCE) client of the realm's web application. */
  readonly clientId: string;
}

export type TenantRole = 'TenantAdmin' | 'TenantUser';

export interface User {
  /** Unique in its realm, compared in lower case. For tenants' users the email. */
  readonly userName: string;
  /** Unique in its realm, compared in lower case. */
  readonly email: string;
  /** TenantAdmin or TenantUser for tenants' users; system users may carry any name, only SystemAdmin may write. */
  readonly role: string;
  /** Absent for system users. */
  readonly tenantId?: string;
  /** The token's `sub`; never reused. */
  readonly subject: string;
  readonly enabled: boolean;
  /** Cognito's words: FORCE_CHANGE_PASSWORD until a temporary password was changed. */
  readonly status: 'CONFIRMED' | 'FORCE_CHANGE_PASSWORD';
  /** ISO 8601, UTC. */
  readonly created: string;
  readonly modified: string;
}

export interface NewUser {
  readonly userName: string;
  readonly email: string;
  readonly role: string;
  readonly tenantId?: string;
  /** Chosen password: the user is CONFIRMED and no mail is sent. @default - a temporary one is mailed */
  readonly password?: string;
  /** Words of the invitation mail. @default - the realm's display name */
  readonly invitation?: { readonly tenantName: string; readonly link: string };
}

export interface UserPage {
  readonly items: readonly User[];
  readonly next?: string;
}

/** Embedded: oidc-provider over the platform's own store. AWS: Cognito. */
export interface Identity {
  /** Idempotent. */
  ensureRealm(spec: RealmSpec): Promise<RealmConfig>;
  realm(id: RealmId): Promise<(RealmSpec & RealmConfig) | undefined>;
  /** With all users, keys and sessions; a staged password stays, for a failed onboarding may be tried again. Idempotent. */
  deleteRealm(id: RealmId): Promise<void>;

  /** Throws CONFLICT if the user name or email is taken in the realm, INVALID for a weak password, NOT_FOUND without realm. */
  createUser(realm: RealmId, user: NewUser): Promise<User>;
  user(realm: RealmId, userName: string): Promise<User | undefined>;
  /** In order of user name. `tenantId` narrows to that tenant's users. `limit` 1..1000 */
  users(
    realm: RealmId,
    page: { readonly tenantId?: string; readonly after?: string; readonly limit: number },
  ): Promise<UserPage>;
  /** Throws NOT_FOUND, or CONFLICT if the email is taken. */
  updateUser(
    realm: RealmId,
    userName: string,
    change: { readonly email?: string; readonly role?: string },
  ): Promise<User>;
  /** A disabled user's tokens stop working at once at the gateway, and no new ones are issued. Throws NOT_FOUND. */
  setUserEnabled(realm: RealmId, userName: string, enabled: boolean): Promise<User>;
  /** Idempotent. */
  deleteUser(realm: RealmId, userName: string): Promise<void>;
  /** All users of one tenant, also past the first page. Idempotent. */
  deleteTenantUsers(realm: RealmId, tenantId: string): Promise<void>;

  /**
   * Keeps the (hashed) password a tenant's first admin chose at sign-up until `createUser` for that tenant takes it,
   * so that no password ever travels in an event. Throws INVALID if weak. Idempotent per tenant.
   */
  stagePassword(tenantId: string, email: string, password: string): Promise<void>;
  /** Whether a user of this email exists in the realm. For the platform's own use, never shown to a stranger. */
  emailTaken(realm: RealmId, email: string): Promise<boolean>;
}

/** Sends mail; embedded: the mailbox file and page, or SMTP where configured. */
export interface Mailer {
  send(mail: {
    readonly to: string;
    readonly subject: string;
    readonly text: string;
    readonly data?: JsonObject;
  }): Promise<void>;
}
