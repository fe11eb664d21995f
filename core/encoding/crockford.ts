/**
 * Crockford's base-32 alphabet in lower case: digits and letters, without letters that look like digits.
 * @see https://www.crockford.com/base32.html
 */
export const CROCKFORD = '0123456789abcdefghjkmnpqrstvwxyz';

/** One character per byte, which keeps the byte's lowest 5 bits. For random text, not for data that is decoded. */
export function crockfordText(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += CROCKFORD[byte % 32];
  return text;
}
