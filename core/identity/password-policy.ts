import type { RealmId } from '../ports/identity.ts';

/** The minimum length of a tenant user's password, in characters. */
export const MIN_PASSWORD_LENGTH = 8;
/** The minimum length of a system user's password, in characters. */
export const MIN_ADMIN_PASSWORD_LENGTH = 12;
/** The minimum length of a password in this realm, in characters. */
export function minPasswordLength(realm: RealmId): number {
  return realm === 'admin' ? MIN_ADMIN_PASSWORD_LENGTH : MIN_PASSWORD_LENGTH;
}
/** The maximum length of a password, in characters. Hashing costs time per character. */
export const MAX_PASSWORD_LENGTH = 256;

/**
 * The classes of Cognito, which counts letters of Basic Latin only. A password that one home accepts is good in the other.
 *
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/managing-users-passwords.html
 */
const CLASSES: readonly { readonly name: string; readonly present: RegExp }[] = [
  { name: 'a lowercase letter from a to z', present: /[a-z]/ },
  { name: 'an uppercase letter from A to Z', present: /[A-Z]/ },
  { name: 'a digit from 0 to 9', present: /[0-9]/ },
  { name: 'a symbol, such as - or !', present: /[!-/:-@[-`{-~]/ },
];

/** The length of a password in code points, which every limit of passwords uses. */
export function passwordLength(password: string): number {
  return Array.from(password).length;
}

/**
 * The password policy: four classes of characters, no white space around it, and a length in code points.
 * @returns the rules that `password` breaks; empty if none. The texts do not contain the password.
 */
export function checkPassword(password: string, minLength: number): string[] {
  const length = passwordLength(password);
  const broken = CLASSES.filter(({ present }) => !present.test(password)).map(({ name }) => `must contain ${name}`);
  // Cognito refuses it, and people lose it when they paste.
  if (password !== password.trim()) broken.push('must not begin or end with white space');
  if (length < minLength) broken.unshift(`must have at least ${minLength} characters`);
  if (length > MAX_PASSWORD_LENGTH) broken.unshift(`must have at most ${MAX_PASSWORD_LENGTH} characters`);
  return broken;
}
