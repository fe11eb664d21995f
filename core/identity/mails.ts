import type { MailTenant } from '../ports/identity.ts';

/** What a mail says. */
export interface MailText {
  readonly subject: string;
  readonly text: string;
}

/** The mail that invites a user, with the temporary password. */
export function invitationMail(options: {
  /** What the user is invited to: the tenant's name, or that of the platform's administration. */
  readonly name: string;
  readonly userName: string;
  readonly password: string;
  /** @default - the mail has no link */
  readonly signInUrl?: string;
}): MailText {
  const { name, userName, password, signInUrl } = options;
  const lines = [
    'Hello,',
    '',
    `You have been invited to ${sentenceEnd(name)}`,
    '',
    ...(signInUrl === undefined ? [] : [`Sign in:            ${signInUrl}`]),
    `User name:          ${userName}`,
    `Temporary password: ${password}`,
    '',
    'The temporary password is valid for 7 days. You choose your own password when you first sign in.',
    'If you received an earlier invitation, its temporary password no longer works.',
  ];
  return { subject: `Your invitation to ${name}`, text: textOf(lines) };
}

/** The mail that a user requested who forgot the password, with the link to the page that sets a new one. */
export function passwordResetMail(options: {
  readonly name: string;
  readonly userName: string;
  readonly resetUrl: string;
}): MailText {
  const { name, userName, resetUrl } = options;
  return newPasswordMail(name, 'link', '30 minutes', [
    `Choose a new password: ${resetUrl}`,
    `User name:             ${userName}`,
  ]);
}

/** As `passwordResetMail`, with a code that the user enters at the next sign-in: an operator has reset the password at Cognito. */
export function passwordCodeMail(options: {
  readonly name: string;
  /** @default - the mail does not name the user */
  readonly userName?: string;
  readonly code: string;
}): MailText {
  const { name, userName, code } = options;
  return newPasswordMail(name, 'code', 'one hour', [
    `Code:      ${code}`,
    ...(userName === undefined ? [] : [`User name: ${userName}`]),
  ]);
}

function newPasswordMail(name: string, means: string, validFor: string, details: readonly string[]): MailText {
  const lines = [
    'Hello,',
    '',
    `Someone, probably you, asked for a new password for your account with ${sentenceEnd(name)}`,
    '',
    ...details,
    '',
    `The ${means} works once, within ${validFor}. If you did not ask for it, ignore this mail: your password stays the same.`,
  ];
  return { subject: `Choose a new password for ${name}`, text: textOf(lines) };
}

/**
 * The link to the page that signs the user in. The page shows the tenant that the link names.
 * @param page its address, without a query
 */
export function signInLink(
  page: string,
  { userName, tenant }: { readonly userName: string; readonly tenant: Pick<MailTenant, 'slug'> | undefined },
): string {
  const query = new URLSearchParams({ ...(tenant && { tenant: tenant.slug }), login_hint: userName });
  return `${page}?${query}`;
}

/** A name at the end of a sentence: names such as 'Acme Inc.' have a full stop already. */
function sentenceEnd(name: string): string {
  return name.endsWith('.') ? name : `${name}.`;
}

function textOf(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}
