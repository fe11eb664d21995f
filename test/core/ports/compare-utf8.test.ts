import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { compareUtf8 } from '../../../core/ports/table-rules.ts';

test('compareUtf8 orders text as its UTF-8 bytes, surrogate pairs included', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 6 });
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(Math.sign(compareUtf8(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
  // UTF-16 would order these the other way round.
  expect(compareUtf8('\u{1F600}', '\uFFFD')).toBeGreaterThan(0);
  expect(compareUtf8('a', 'ab')).toBeLessThan(0);
  expect(compareUtf8('', '')).toBe(0);
});
