import type { MailLimits } from '../../../../core/identity/users/mail-limits.ts';
import type { UserRecord } from '../../../../core/identity/users/user-records.ts';
import type { Clock, RandomBytes } from '../../../../core/ports/clock.ts';
import type { Table } from '../../../../core/ports/table.ts';
import { createPasswordResets, type PasswordResets } from '../../../shared/identity/password-resets.ts';
import type { EmbeddedMailer } from '../../mail/mailer.ts';
import { mailOwner } from '../credentials.ts';
import type { EmbeddedIdentity } from '../identity.ts';
import type { Accounts } from './accounts.ts';

interface TablePasswordResetsOptions {
  readonly table: Table;
  readonly identity: Pick<EmbeddedIdentity, 'setPassword'>;
  readonly mailer: Pick<EmbeddedMailer, 'draft' | 'deliver'>;
  readonly mailLimits?: MailLimits;
  readonly accounts: Pick<Accounts, 'byLogin'>;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly publicUrl: string;
}

/** Links for forgotten passwords. Their mails are queued in the transaction that stores the link. */
export function createTablePasswordResets(options: TablePasswordResetsOptions): PasswordResets {
  const { identity, mailer, accounts } = options;
  return createPasswordResets({
    ...options,
    setPassword: identity.setPassword,
    prepareMail: (mail, realm, subject) => ({
      writes: mailer.draft(mail, mailOwner(realm, subject)),
      send: () => mailer.deliver(),
    }),
    findAccount: accounts.byLogin,
    markOf: ({ secret }: UserRecord) => JSON.stringify(secret ?? null),
  });
}
