import { expect, test } from '@jest/globals';
import { isSameText } from '../../../../adapters/shared/identity/is-same-text.ts';

test('equal texts are the same', () => {
  expect([isSameText('', ''), isSameText('secret', 'secret'), isSameText('ä€', 'ä€')]).toEqual([true, true, true]);
});

test.each([
  ['another character', 'secrea', 'secret'],
  ['a prefix', 'secre', 'secret'],
  ['a longer text', 'secrets', 'secret'],
  ['an empty text', '', 'secret'],
  ['as many characters but more bytes', 'secrät', 'secret'],
])('%s is not the same', (_name, given, expected) => {
  expect(isSameText(given, expected)).toBe(false);
});
