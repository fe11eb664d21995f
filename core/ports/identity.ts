import type { Guard } from './guard.ts';
import type { Check, JsonObject, Table, Write } from './table.ts';

/**
 * A realm holds the users who sign in together: `admin` for system users, `pool` for the tenants of tiers that share
 * one, `tenant-<id>` for a tenant with its own. Embedded: an OpenID provider. AWS: a Cognito user pool.
 */
export type RealmId = 'admin' | 'pool' | `tenant-${string}`;

export interface RealmSpec {
  readonly id: RealmId;
  /** Shown on the sign-in page. */
  readonly displayName: string;
  /** The only tenant whose users the realm may hold. @default - any tenant's in `pool`, no tenant's in `admin` */
  readonly tenantId?: string;
}

/** What a client needs to sign in. Not secret. */
export interface RealmConfig {
  readonly issuer: string;
  /** The public client (PKCE, no secret) of the realm's web application. */
  readonly clientId: string;
  /** AWS only: id of the realm's user pool. */
  readonly userPoolId?: string;
}

export type TenantRole = 'TenantAdmin' | 'TenantUser';

export interface User {
  /** Unique in the realm, regardless of case. For tenants' users usually the email. */
  readonly userName: string;
  /** Unique in the realm, regardless of case. Never the user name of another user, since users sign in with either. */
  readonly email: string;
  /** A TenantRole for tenants' users. System users may have any role; only SystemAdmin may write. */
  readonly role: string;
  /** Absent for system users. */
  readonly tenantId?: string;
  /** The `sub` of the user's tokens; never reused. */
  readonly subject: string;
  readonly enabled: boolean;
  /** As in Cognito: FORCE_CHANGE_PASSWORD until the user has replaced the temporary password. */
  readonly status: 'CONFIRMED' | 'FORCE_CHANGE_PASSWORD';
  /** Access tokens that were issued before this time are refused; epoch seconds. @default - none are */
  readonly tokensValidFrom?: number;
  /** ISO 8601, UTC. */
  readonly created: string;
  /** ISO 8601, UTC. */
  readonly modified: string;
}

/** What decides about the rights of a user who calls, and the conditions under which it stays as it is. */
export interface Caller extends Pick<User, 'userName' | 'role' | 'enabled' | 'tenantId' | 'tokensValidFrom'> {
  readonly basis: readonly Check[];
}

/** The tenant that a mail to a user names. */
export interface MailTenant {
  /** The company's name. */
  readonly tenantName: string;
  /** Names the tenant in links. */
  readonly slug: string;
}

export interface NewUser {
  readonly userName: string;
  readonly email: string;
  readonly role: string;
  readonly tenantId?: string;
  /** The password that the user has chosen. @default - the user is invited by mail, with a temporary password */
  readonly password?: string;
  /** Named in the invitation. @default - the realm's display name */
  readonly invitation?: MailTenant;
}

export interface UserPage {
  readonly items: readonly User[];
  /** The `after` of the next page; absent on the last page. */
  readonly next?: string;
}

/** A change of a known password. */
export interface PasswordChange {
  /**
   * The present password, which the caller has checked. Where another service keeps passwords, that service compares it
   * again as it replaces it. Where the platform's table keeps them, the guard of the change covers the password.
   * @default - any present password is replaced
   */
  readonly replaced?: string;
}

/**
 * Realms and their users. Both homes use the store of core/identity/users, over their own Credentials.
 *
 * Every method throws UNAVAILABLE if a later attempt may succeed, and may then be repeated. A user name that no user can
 * have is an unknown user, not an error.
 */
export interface Identity {
  /**
   * The same realms and users, for changes on behalf of a caller: each change is committed only while `guard` permits it,
   * in the same transaction. Methods that change something also throw what the guard throws.
   */
  guardedBy(guard: Guard): Identity;

  /** Creates the realm, or adopts its display name. Idempotent. */
  ensureRealm(spec: RealmSpec): Promise<RealmConfig>;
  /** The realm, or undefined if unknown. */
  realm(id: RealmId): Promise<(RealmSpec & RealmConfig) | undefined>;
  /** Deletes the realm with its users, keys and sessions. Staged passwords stay, for a repeated onboarding. Idempotent. */
  deleteRealm(id: RealmId): Promise<void>;

  /**
   * Creates a user with the given password, with the password staged for the tenant and this email, or by invitation.
   * Throws CONFLICT if the user name or the email is taken in the realm, INVALID for a field that breaks a rule or a weak
   * password, NOT_FOUND for an unknown realm. Not idempotent: after UNAVAILABLE, look the user up first.
   */
  createUser(realm: RealmId, user: NewUser): Promise<User>;
  /** The user with this name or, if there is none, with this email. Undefined if unknown. */
  user(realm: RealmId, userName: string): Promise<User | undefined>;
  /** The user with this `sub`, or undefined if unknown. */
  userOf(realm: RealmId, subject: string): Promise<User | undefined>;
  /** What decides about the rights of the user with this `sub`, or undefined if unknown. */
  caller(realm: RealmId, subject: string): Promise<Caller | undefined>;
  /** Users in order of user name, of one tenant if `tenantId` is given. `limit` 1..1000. An unknown realm has no users. */
  users(
    realm: RealmId,
    page: { readonly tenantId?: string; readonly after?: string; readonly limit: number },
  ): Promise<UserPage>;
  /**
   * Throws NOT_FOUND, INVALID for a field that breaks a rule, CONFLICT if the email is taken or if the user is the last
   * administrator (core/identity/users/administrators.ts) and would be one no longer.
   */
  updateUser(
    realm: RealmId,
    userName: string,
    change: { readonly email?: string; readonly role?: string; readonly enabled?: boolean },
  ): Promise<User>;
  /**
   * As `updateUser`. The gateway refuses the tokens of a disabled user at once, and no new ones are issued. Idempotent.
   */
  setUserEnabled(realm: RealmId, userName: string, enabled: boolean): Promise<User>;
  /**
   * Mails a new temporary password to a user who has not signed in yet; the one before is void.
   * Throws NOT_FOUND, CONFLICT if the user has signed in or is disabled.
   */
  inviteUser(realm: RealmId, userName: string, invitation?: MailTenant): Promise<User>;
  /**
   * Sets the password that the user has chosen. All sessions and access tokens of the user end.
   * Throws NOT_FOUND, INVALID for a weak password, CONFLICT if `replaced` is not the user's password any more.
   */
  setPassword(realm: RealmId, userName: string, password: string, change?: PasswordChange): Promise<User>;
  /** Ends all sessions of the user: refresh tokens, and access tokens at once. Throws NOT_FOUND. */
  endSessions(realm: RealmId, userName: string): Promise<User>;
  /** Idempotent. Throws CONFLICT for the last administrator. */
  deleteUser(realm: RealmId, userName: string): Promise<void>;
  /** Deletes all users of one tenant, administrators included, and the tenant's staged password. Idempotent. */
  deleteTenantUsers(realm: RealmId, tenantId: string): Promise<void>;

  /**
   * The write that stores, in protected form and for 7 days, the password that a tenant's first administrator chose, until
   * `createUser` takes it. So no password travels in an event. Replaces an earlier one. Throws INVALID if weak.
   */
  stagedPassword(tenantId: string, email: string, password: string): Promise<Write>;
  /**
   * Whether a user of the realm has this email or, from an earlier version, this user name. For the platform's own checks;
   * the result must not reach strangers.
   */
  emailTaken(realm: RealmId, email: string): Promise<boolean>;
}

/**
 * What the control plane may do with the users of the application plane: it checks the email and leaves the password of a
 * tenant's first administrator. They are in the application plane's table, so no transaction covers both planes'
 * tables (docs/decisions/0028). On AWS, the control plane's function may read `email#pool`, may put `staged-password#...`,
 * and may do nothing else in that table.
 */
export interface FirstAdministrators {
  /** The application plane's table. */
  readonly table: Pick<Table, 'transact'>;
  readonly identity: Pick<Identity, 'emailTaken' | 'stagedPassword'>;
}

/** Sends mail. Embedded: to the mailbox page, or by SMTP where configured. AWS: by SES. */
export interface Mailer {
  /**
   * Resolves when the mail is accepted for delivery. Throws UNAVAILABLE if it is not. A repeated call sends another mail.
   */
  send(mail: {
    readonly to: string;
    readonly subject: string;
    /** Plain text. */
    readonly text: string;
    /** Kept with the mail where mails are kept; never sent. */
    readonly data?: JsonObject;
  }): Promise<void>;
}
