import { expect, test } from '@jest/globals';
import { checkPassword, MAX_PASSWORD_LENGTH } from '../../../core/identity/password-policy.ts';

test.each([
  ['Good-en0ugh', 8, []],
  ['Gööd-en0ugh', 8, []],
  ['Exact-08', 8, []],
  [`Aa1-${'x'.repeat(MAX_PASSWORD_LENGTH - 4)}`, 8, []],
  ['Sh0rt-1', 8, ['must have at least 8 characters']],
  ['Good-en0ugh', 12, ['must have at least 12 characters']],
  ['good-en0ugh', 8, ['must contain an uppercase letter from A to Z']],
  ['GOOD-EN0UGH', 8, ['must contain a lowercase letter from a to z']],
  ['Good-enough', 8, ['must contain a digit from 0 to 9']],
  ['Goodenough1', 8, ['must contain a symbol, such as - or !']],
  ['Пароль-123', 8, [expect.stringContaining('a to z'), expect.stringContaining('A to Z')]],
  ['Good-en١ugh', 8, ['must contain a digit from 0 to 9']],
  ['Goodenough1€', 8, ['must contain a symbol, such as - or !']],
  [' Good-en0ugh', 8, ['must not begin or end with white space']],
  ['Good-en0ugh\t', 8, ['must not begin or end with white space']],
  ['Good en0ugh!', 8, []],
  ['Good enough 1', 8, ['must contain a symbol, such as - or !']],
  ['', 8, [expect.stringContaining('at least 8'), ...Array(4).fill(expect.stringContaining('must contain'))]],
  [`Aa1-${'x'.repeat(MAX_PASSWORD_LENGTH)}`, 8, ['must have at most 256 characters']],
] as const)('ID-1: %j with at least %i characters breaks %j', (password, minLength, broken) => {
  expect(checkPassword(password, minLength)).toEqual(broken);
});

test('ID-1: the length is counted in characters, not in code units', () => {
  expect(checkPassword('Aa1-😀😀😀', 8)).toEqual(['must have at least 8 characters']);
});
