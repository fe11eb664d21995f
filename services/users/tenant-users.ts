import type { RealmId } from '../../core/ports/identity.ts';
import type { NewUser, User, UserChange } from './schema.ts';

/** The caller on whose behalf identity is called. Identity decides by the token which users the caller may manage. */
export interface Caller {
  readonly realm: RealmId;
  readonly authorization: string;
  readonly requestId: string;
}

export interface UserPage {
  readonly users: readonly User[];
  /** Identity's token of the next page; absent on the last page. */
  readonly next?: string;
}

/**
 * The users of the caller's tenant in identity. Embedded: the realm's users API; AWS: the function `tenant-users`, which is called with
 * the caller's token.
 * Every call throws the refusals of identity (UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, CONFLICT, INVALID), and UNAVAILABLE if
 * identity does not respond.
 */
export interface TenantUsers {
  list(caller: Caller, page: { readonly after: string | undefined; readonly limit: number }): Promise<UserPage>;
  get(caller: Caller, userName: string): Promise<User>;
  /** Identity mails the invitation. Throws CONFLICT for a taken user name or email. */
  create(caller: Caller, user: NewUser): Promise<User>;
  /** Throws CONFLICT if the tenant would have no administrator. */
  update(caller: Caller, userName: string, change: UserChange): Promise<User>;
  /** Identity mails a new temporary password. Throws CONFLICT if the user has signed in or is disabled. */
  invite(caller: Caller, userName: string): Promise<User>;
  /** As `update`. */
  delete(caller: Caller, userName: string): Promise<void>;
  close(): Promise<void>;
}
