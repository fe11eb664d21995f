import { expect, test } from '@jest/globals';
import { CROCKFORD, crockfordText } from '../../../core/encoding/crockford.ts';

test('the alphabet has 32 different characters in ascending order, and no i, l, o or u', () => {
  expect([...new Set(CROCKFORD)].toSorted().join('')).toBe(CROCKFORD);
  expect(CROCKFORD).toHaveLength(32);
  expect(CROCKFORD).not.toMatch(/[ilou]/);
});

test('a byte becomes the character of its lowest 5 bits', () => {
  expect(crockfordText(Uint8Array.of(0, 9, 10, 31, 32, 255))).toBe('09az0z');
  expect(crockfordText(Uint8Array.of())).toBe('');
});
