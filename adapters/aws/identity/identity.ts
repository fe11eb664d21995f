import type { MailLimits } from '../../../core/identity/users/mail-limits.ts';
import { createUserStore } from '../../../core/identity/users/user-store.ts';
import type { Clock } from '../../../core/ports/clock.ts';
import type { Identity } from '../../../core/ports/identity.ts';
import type { Table } from '../../../core/ports/table.ts';
import { type CredentialsOptions, createCognitoCredentials } from './credentials.ts';

export interface IdentityOptions extends CredentialsOptions {
  readonly table: Table;
  readonly clock: Clock;
  /** @default - no limit */
  readonly mailLimits?: MailLimits;
}

/** The Identity port over Cognito and the platform's table. docs/decisions/0008 explains what is kept where. */
export function openIdentity(options: IdentityOptions): Identity {
  const { table, clock, mailLimits } = options;
  const credentials = createCognitoCredentials(options);
  return createUserStore({ table, clock, credentials, ...(mailLimits && { mailLimits }) });
}
