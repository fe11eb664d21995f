/** The minimum length of a tenant user's password, in characters. */
export const MIN_PASSWORD_LENGTH = 8;
/** The minimum length of a system user's password, in characters. */
export const MIN_ADMIN_PASSWORD_LENGTH = 12;
/** The maximum length of a password, in characters. Hashing costs time per character. */
export const MAX_PASSWORD_LENGTH = 256;

const CLASSES: readonly { readonly name: string; readonly present: RegExp }[] = [
  { name: 'a lowercase letter', present: /\p{Ll}/u },
  { name: 'an uppercase letter', present: /\p{Lu}/u },
  { name: 'a digit', present: /\p{Nd}/u },
  { name: 'a symbol', present: /[^\p{L}\p{Nd}\s]/u },
];

/**
 * The password policy: four classes of characters, and a length in code points.
 * @returns the rules that `password` breaks; empty if none. The texts do not contain the password.
 */
export function checkPassword(password: string, minLength: number): string[] {
  const length = [...password].length;
  const broken = CLASSES.filter(({ present }) => !present.test(password)).map(({ name }) => `must contain ${name}`);
  if (length < minLength) broken.unshift(`must have at least ${minLength} characters`);
  if (length > MAX_PASSWORD_LENGTH) broken.unshift(`must have at most ${MAX_PASSWORD_LENGTH} characters`);
  return broken;
}
