import type { RealmId } from '../../core/ports/identity.ts';
import type { NewUser, User, UserChange } from './schema.ts';

/** On whose behalf identity is asked; it decides itself, by the caller's token, whose users these may be. */
export interface Caller {
  readonly realm: RealmId;
  readonly authorization: string;
  readonly requestId: string;
}

export interface UserPage {
  readonly users: readonly User[];
  /** Identity's own token of the next page; absent on the last one. */
  readonly next?: string;
}

/**
 * The caller's tenant's users, as identity keeps them. Embedded: the realm's users API; AWS: Cognito.
 * Every call throws what identity refuses with: UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, CONFLICT, INVALID; and
 * UNAVAILABLE if it does not answer.
 */
export interface TenantUsers {
  list(caller: Caller, page: { readonly after: string | undefined; readonly limit: number }): Promise<UserPage>;
  get(caller: Caller, userName: string): Promise<User>;
  /** Identity mails the invitation. CONFLICT if user name or email is taken. */
  create(caller: Caller, user: NewUser): Promise<User>;
  /** CONFLICT where it would leave the tenant without an admin. */
  update(caller: Caller, userName: string, change: UserChange): Promise<User>;
  /** As `update`. */
  delete(caller: Caller, userName: string): Promise<void>;
  close(): Promise<void>;
}
