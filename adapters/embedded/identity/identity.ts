import type { StoreContext } from '../../../core/identity/users/store-context.ts';
import { requireRealm } from '../../../core/identity/users/store-context.ts';
import { changeUser } from '../../../core/identity/users/user-change.ts';
import { requireStrongPassword } from '../../../core/identity/users/user-rules.ts';
import { createUserStore } from '../../../core/identity/users/user-store.ts';
import type { Identity, RealmId, RealmSpec, User } from '../../../core/ports/identity.ts';
import { type CredentialsOptions, createTableCredentials } from './credentials.ts';
import { revokeSubject } from './oidc-store.ts';
import type { PasswordSecret } from './passwords.ts';

/** The Identity port, and what the realms' own pages need. */
export interface EmbeddedIdentity extends Identity {
  /**
   * Sets a chosen password and ends the sessions of the user, except the session of uid `keepSession`.
   * Throws NOT_FOUND, INVALID if the password is weak.
   */
  setPassword(realm: RealmId, userName: string, password: string, keepSession?: string): Promise<User>;
}

export function openIdentity(options: CredentialsOptions): EmbeddedIdentity {
  const { table, clock, passwords } = options;
  const context: StoreContext<PasswordSecret, RealmSpec> = {
    ...{ table, clock },
    credentials: createTableCredentials(options),
  };
  return {
    ...createUserStore(context),

    async setPassword(id, userName, password, keepSession) {
      requireStrongPassword(id, password);
      const secret = await passwords.hash(password);
      const realm = await requireRealm(context, id);
      const user = await changeUser(context, realm, userName, () => ({ secret, status: 'CONFIRMED' }));
      await revokeSubject(table, id, user.subject, keepSession);
      return user;
    },
  };
}
