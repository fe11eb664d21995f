import * as z from 'zod';

/**
 * RFC 5321 allows 254 characters. The email is the user name of a tenant's users, and a user name has at most 128 in
 * Cognito (docs/decisions/0015).
 */
export const MAX_EMAIL_LENGTH = 128;

/** Of the characters of RFC 5322, all but '/' and '?', which no path segment can carry in both homes. */
const ATOM = "[A-Za-z0-9!#$%&'*+=^_`{|}~-]+";
/** RFC 1123: letters, digits and hyphens. An international label begins with `xn--`. */
const LABEL = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
const TOP_LABEL = '[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?';

/**
 * A local part of at most 64 characters (RFC 5321, 4.5.3.1.1) in the form dot-atom, and a domain with at least one dot.
 * CloudFormation parameters use this text too, so it has only what JavaScript and Java expressions share.
 */
export const EMAIL_PATTERN = `^(?=[^@]{1,64}@)${ATOM}(?:\\.${ATOM})*@(?:${LABEL}\\.)+${TOP_LABEL}$`;

const EMAIL = new RegExp(EMAIL_PATTERN);

/** An email address. Surrounding white space is removed. Emails are compared without case; see `fold`. */
export const Email = z
  .string()
  .trim()
  .max(MAX_EMAIL_LENGTH, { error: `must have at most ${MAX_EMAIL_LENGTH} characters`, abort: true })
  .regex(/^\p{ASCII}*$/u, {
    error: 'must be an email address in ASCII; write an international domain in its xn-- form',
    abort: true,
  })
  .refine((text) => EMAIL.test(text), 'must be an email address')
  .meta({ format: 'email', description: 'An email address, such as `ada@example.com`.' });

/** Whether the text has the form of an email address. */
export function isEmail(text: string): boolean {
  return text.length <= MAX_EMAIL_LENGTH && EMAIL.test(text);
}
