/** Names and emails that are accepted although code that forgets to encode or to fold them fails. */
export const ODD_USERS: readonly (readonly [userName: string, email: string])[] = [
  ['#1', 'r&d@odd.test'],
  ['100%', 'a=b@odd.test'],
  ['%2e%2e', 'info@xn--mller-kva.odd.test'],
  ['Jörg', "o'neill@odd.test"],
  ['東京', '!#$%&*=^_`{|}~-@odd.test'],
  ['x'.repeat(128), `${'x'.repeat(64)}@${'d'.repeat(58)}.test`],
  ['İ'.repeat(64), 'turkish@odd.test'],
  ['😀'.repeat(64), 'smile@odd.test'],
  ['"<script>&amp;', 'markup@odd.test'],
];
