import type { MailLimits } from '../../../core/identity/users/mail-limits.ts';
import type { StoreContext } from '../../../core/identity/users/store-context.ts';
import { type PasswordConditions, setPassword } from '../../../core/identity/users/user-passwords.ts';
import { createUserStore } from '../../../core/identity/users/user-store.ts';
import type { Clock } from '../../../core/ports/clock.ts';
import type { Identity, RealmId, User } from '../../../core/ports/identity.ts';
import type { Table } from '../../../core/ports/table.ts';
import { type CredentialsOptions, createCognitoCredentials, type PoolRealm } from './credentials.ts';
import type { SealedPassword } from './password-vault.ts';

/** The Identity port, and what the account pages need. */
export interface CognitoIdentity extends Identity {
  /** As in the port, under further conditions. */
  setPassword(
    realm: RealmId,
    userName: string,
    password: string,
    conditions?: PasswordConditions<SealedPassword>,
  ): Promise<User>;
}

export interface IdentityOptions extends CredentialsOptions {
  readonly table: Table;
  readonly clock: Clock;
  /** @default - no limit */
  readonly mailLimits?: MailLimits;
}

/** The Identity port over Cognito and the platform's table. docs/decisions/0008 explains what is kept where. */
export function openIdentity(options: IdentityOptions): CognitoIdentity {
  const { table, clock, mailLimits } = options;
  const credentials = createCognitoCredentials(options);
  const context: StoreContext<SealedPassword, PoolRealm> = {
    table,
    clock,
    credentials,
    ...(mailLimits && { mailLimits }),
  };
  return {
    ...createUserStore(context),
    setPassword: (realm, userName, password, conditions) => setPassword(context, realm, userName, password, conditions),
  };
}
