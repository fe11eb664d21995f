import type { MailTenant, NewUser, RealmConfig, RealmSpec, User } from './identity.ts';
import type { Write } from './table.ts';

/** A password that its owner has chosen: in clear text, or in the form that `protect` returned earlier. */
export type ChosenPassword<Secret extends object> =
  | { readonly kind: 'clear'; readonly password: string }
  | { readonly kind: 'protected'; readonly secret: Secret; readonly tenantId: string };

/** A password that the provider has issued or taken. */
export interface IssuedPassword<Secret extends object> {
  /** Stored in the user's record. @default - the provider keeps the password itself */
  readonly secret?: Secret;
  /** Committed in the transaction that writes the user's record. */
  readonly writes: readonly Write[];
  /** Called after that commit. A crash in between only delays its effect. @default - nothing follows */
  readonly committed?: () => void;
}

/** The credentials of a new user. */
export interface IssuedCredentials<Secret extends object> extends IssuedPassword<Secret> {
  /** The `sub` of the user's tokens; never reused. */
  readonly subject: string;
}

/**
 * Passwords, sessions and the keys of realms. The user store (core/identity/users) keeps everything else about a user.
 * Embedded: in the platform's own table. AWS: in Cognito.
 *
 * Every method may be repeated after an error, with the same result. Every method throws UNAVAILABLE if a later attempt
 * may succeed.
 *
 * @typeParam Secret the stored form of a password
 * @typeParam Realm the record of a realm, with whatever the provider needs to find it again
 */
export interface Credentials<Secret extends object, Realm extends RealmSpec> {
  /**
   * Where `issue`, `invite` and `setPassword` take effect.
   * - `table`: nothing takes effect until the returned writes are committed, so that a user and its credentials are
   *   created in one transaction or not at all.
   * - `service`: credentials exist as soon as the method returns. The store therefore reserves the user name and the email
   *   first, and completes the record afterwards.
   */
  readonly keptIn: 'table' | 'service';

  /** Creates what the realm needs for sign-in, if it does not exist. Returns its record and the writes that go with it. */
  prepareRealm(spec: RealmSpec): Promise<{ readonly realm: Realm; readonly writes: readonly Write[] }>;
  /** What a client needs to sign in to the realm. */
  configOf(realm: Realm): RealmConfig;
  /**
   * Deletes the realm's keys, sessions and credentials. The store calls it after it has deleted the realm's users.
   * Returns the writes that belong to the transaction that deletes the realm's record. An unknown realm is not an error.
   */
  deleteRealm(realm: Realm): Promise<readonly Write[]>;

  /** The form in which a chosen password may be stored until `issue` takes it. It does not reveal the password. */
  protect(tenantId: string, password: string): Promise<Secret>;
  /**
   * Creates the user's credentials. A user of the same name left by an unfinished creation is replaced, and gets a new
   * subject. Without `chosen`, the user receives an invitation by mail with a temporary password that is valid for 7
   * days. Throws CORRUPT if a protected password was not protected for this tenant by this provider.
   */
  issue(realm: Realm, user: NewUser, chosen?: ChosenPassword<Secret>): Promise<IssuedCredentials<Secret>>;
  /**
   * Mails a new temporary password, valid for 7 days, to a user who has never signed in. The temporary password before it
   * is void once the writes are committed.
   * @param tenant named in the mail. @default - the realm's display name
   */
  invite(realm: Realm, user: User, tenant?: MailTenant): Promise<IssuedPassword<Secret>>;
  /**
   * Takes the password that the user has chosen in place of any earlier one. The user's status becomes CONFIRMED.
   * @param replaced a service that keeps passwords throws CONFLICT if this is not the present one. @default - not compared
   */
  setPassword(realm: Realm, user: User, password: string, replaced?: string): Promise<IssuedPassword<Secret>>;
  /**
   * Ends all sessions and refresh tokens of the user.
   * @param keepSession id of the session that stays, if the provider lists sessions. @default - none stays
   */
  endSessions(realm: Realm, user: User, keepSession?: string): Promise<void>;
  /** CONFIRMED once the user has replaced the temporary password. An unknown user keeps the status of the record. */
  statusOf(realm: Realm, user: User): Promise<User['status']>;
  /** Adopts the email of `user`. */
  emailChanged(realm: Realm, user: User): Promise<void>;
  /** Adopts `user.enabled`. A disabled user cannot sign in, and all sessions of the user end. */
  enabledChanged(realm: Realm, user: User): Promise<void>;
  /**
   * Ends the user's sessions and deletes the user's credentials. Returns the writes that belong to the transaction that
   * deletes the user's record. An unknown user is not an error.
   * @param options.realmFollows true: the caller deletes the whole realm next, so whatever `deleteRealm` deletes may stay
   */
  withdraw(realm: Realm, user: User, options: { readonly realmFollows: boolean }): Promise<readonly Write[]>;
}
