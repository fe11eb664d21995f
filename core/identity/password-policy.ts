/** Fewest characters of a tenant user's password. */
export const MIN_PASSWORD_LENGTH = 8;
/** Fewest characters of a system user's password. */
export const MIN_ADMIN_PASSWORD_LENGTH = 12;
/** Most characters taken: hashing is paid per character, and nobody types more. */
export const MAX_PASSWORD_LENGTH = 256;

const CLASSES: readonly { readonly name: string; readonly present: RegExp }[] = [
  { name: 'a lower case letter', present: /\p{Ll}/u },
  { name: 'an upper case letter', present: /\p{Lu}/u },
  { name: 'a digit', present: /\p{Nd}/u },
  { name: 'a symbol', present: /[^\p{L}\p{Nd}\s]/u },
];

/**
 * Four classes of characters and a least length, in code points.
 * @returns the rules that `password` breaks, in words that never repeat it; empty where it is fine
 */
export function checkPassword(password: string, minLength: number): string[] {
  const length = [...password].length;
  const broken = CLASSES.filter(({ present }) => !present.test(password)).map(({ name }) => `must contain ${name}`);
  if (length < minLength) broken.unshift(`must have at least ${minLength} characters`);
  if (length > MAX_PASSWORD_LENGTH) broken.unshift(`must have at most ${MAX_PASSWORD_LENGTH} characters`);
  return broken;
}
