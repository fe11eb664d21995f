import type { NewUser, RealmSpec } from '../../../core/ports/identity.ts';
import type { Mail } from '../mail/mailer.ts';

/** The mail that brings a new user the temporary password. */
export function invitation(options: {
  readonly spec: RealmSpec;
  readonly user: NewUser;
  readonly password: string;
  readonly signInUrl: string;
}): Mail {
  const { spec, user, password, signInUrl } = options;
  const name = user.invitation?.tenantName ?? spec.displayName;
  const lines = [
    'Hello,',
    '',
    `you have been invited to ${name}.`,
    '',
    `Sign in:            ${signInUrl}`,
    `User name:          ${user.userName}`,
    `Temporary password: ${password}`,
    '',
    'The temporary password is good for 7 days. You choose your own when you first sign in.',
  ];
  if (user.invitation) lines.push('', `${name} is at ${user.invitation.link}`);
  return { to: user.email, subject: `Your invitation to ${name}`, text: `${lines.join('\n')}\n` };
}
