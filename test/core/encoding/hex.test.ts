import { expect, test } from '@jest/globals';
import { HEX_VALUES, NOT_HEX } from '../../../core/encoding/hex.ts';

test('every byte has the value of its hexadecimal digit, or none', () => {
  expect(HEX_VALUES).toHaveLength(256);
  expect(Array.from('0123456789abcdefABCDEF', (digit) => HEX_VALUES[digit.charCodeAt(0)])).toEqual([
    ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    ...[10, 11, 12, 13, 14, 15],
    ...[10, 11, 12, 13, 14, 15],
  ]);
  expect(HEX_VALUES.filter((value) => value === NOT_HEX)).toHaveLength(256 - 22);
});
