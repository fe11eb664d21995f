import type { MailLimits } from '../../../core/identity/users/mail-limits.ts';
import type { StoreContext } from '../../../core/identity/users/store-context.ts';
import { type PasswordConditions, setPassword } from '../../../core/identity/users/user-passwords.ts';
import { createUserStore } from '../../../core/identity/users/user-store.ts';
import type { Identity, RealmId, RealmSpec, User } from '../../../core/ports/identity.ts';
import { type CredentialsOptions, createTableCredentials } from './credentials.ts';
import type { PasswordSecret } from './passwords.ts';

/** The Identity port, and what the realms' own pages need. */
export interface EmbeddedIdentity extends Identity {
  /** As in the port, under further conditions. The session of id `keepSession` stays. */
  setPassword(
    realm: RealmId,
    userName: string,
    password: string,
    conditions?: PasswordConditions<PasswordSecret>,
  ): Promise<User>;
}

export interface IdentityOptions extends CredentialsOptions {
  /** @default - no limit */
  readonly mailLimits?: MailLimits;
}

export function openIdentity(options: IdentityOptions): EmbeddedIdentity {
  const { table, clock, mailLimits } = options;
  const context: StoreContext<PasswordSecret, RealmSpec> = {
    ...{ table, clock, hasOlderUsers: true },
    ...(mailLimits && { mailLimits }),
    credentials: createTableCredentials(options),
  };
  return {
    ...createUserStore(context),
    setPassword: (realm, userName, password, conditions) => setPassword(context, realm, userName, password, conditions),
  };
}
