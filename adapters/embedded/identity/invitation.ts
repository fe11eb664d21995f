import type { NewUser, RealmSpec } from '../../../core/ports/identity.ts';
import type { Mail } from '../mail/mailer.ts';

/** The mail that invites a new user, with the temporary password. */
export function invitation(options: {
  readonly realm: RealmSpec;
  readonly user: NewUser;
  readonly password: string;
  readonly signInUrl: string;
}): Mail {
  const { realm, user, password, signInUrl } = options;
  const name = user.invitation?.tenantName ?? realm.displayName;
  const lines = [
    'Hello,',
    '',
    `You have been invited to ${name}.`,
    '',
    `Sign in:            ${signInUrl}`,
    `User name:          ${user.userName}`,
    `Temporary password: ${password}`,
    '',
    'The temporary password is valid for 7 days. You choose your own password when you first sign in.',
  ];
  if (user.invitation) lines.push('', `${name}: ${user.invitation.link}`);
  return { to: user.email, subject: `Your invitation to ${name}`, text: `${lines.join('\n')}\n` };
}
