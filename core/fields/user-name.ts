import * as z from 'zod';
import { isEmail, MAX_EMAIL_LENGTH } from './email.ts';
import { fitsPathSegment } from './path-segment.ts';
import { isVisible, visibleText } from './visible-text.ts';

/** Cognito's limit. An email fits, because it is the user name of most users. */
export const MAX_USER_NAME_LENGTH = MAX_EMAIL_LENGTH;

const TOO_LONG = `must have at most ${MAX_USER_NAME_LENGTH} characters`;
/** The characters that Cognito accepts. */
const CHARACTERS = /^[\p{L}\p{M}\p{S}\p{N}\p{P}]*$/u;
const VARIATION_SELECTOR = /\p{VS}/u;

/** The form in which user names and emails are compared and stored as keys. */
export function fold(text: string): string {
  return text.normalize('NFC').toLowerCase();
}

/**
 * The name that a user signs in with, in every realm of both homes. It is part of URLs, so `fitsPathSegment` holds for it.
 * Lengths are in UTF-16 units, also of the folded form, which Cognito receives.
 *
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminCreateUser.html
 */
export const UserName = z
  .string()
  .trim()
  .normalize('NFC')
  .min(1, { error: 'must not be empty', abort: true })
  .max(MAX_USER_NAME_LENGTH, { error: TOO_LONG, abort: true })
  .refine((name) => fold(name).length <= MAX_USER_NAME_LENGTH, { error: TOO_LONG, abort: true })
  .refine((name) => CHARACTERS.test(name) && isVisible(name) && !VARIATION_SELECTOR.test(name), {
    error: 'must have only letters, digits, punctuation and symbols: no spaces, control or invisible characters',
    abort: true,
  })
  .refine(fitsPathSegment, "must not contain '/', '\\' or '?', and must not be '.' or '..'");

/** The role of a user: any name for system users, of whom only a SystemAdmin may write; one of two for tenants' users. */
export const Role = visibleText(64);

/**
 * Adds an issue for a user name in the form of an email that is not the user's own: it would keep the owner of that address
 * from signing up.
 */
export function ownUserName(
  user: { readonly userName?: string | undefined; readonly email: string },
  context: z.RefinementCtx,
): void {
  const { userName = '', email } = user;
  if (!isEmail(userName) || fold(userName) === fold(email)) return;
  const message = "must be the user's own email if it has the form of an email address";
  context.addIssue({ code: 'custom', path: ['userName'], message });
}
