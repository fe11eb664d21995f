import { expect, test } from '@jest/globals';
import { defined } from '../../core/defined.ts';

test('defined() drops the properties that are undefined and keeps every other value', () => {
  const copy = defined({ a: 1, b: undefined, c: null, d: '', e: 0, f: false });
  expect(Object.entries(copy)).toEqual([
    ['a', 1],
    ['c', null],
    ['d', ''],
    ['e', 0],
    ['f', false],
  ]);
});
