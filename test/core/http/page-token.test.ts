import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { isDomainError } from '../../../core/errors.ts';
import { decodePageToken, encodePageToken, MAX_PAGE_TOKEN } from '../../../core/http/page-token.ts';

/** The code of the error that `call` throws. */
function codeOf(call: () => unknown): string | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    return isDomainError(error) ? error.code : 'another error';
  }
}

const position = fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }).filter((text) => text.isWellFormed());

describe('a page token', () => {
  test('leads back to the position that it was made for, and has a length that lists accept', () => {
    fc.assert(
      fc.property(fc.string(), position, (list, after) => {
        const token = encodePageToken(list, after);
        expect(token).toMatch(/^[\w-]+$/);
        expect(token.length).toBeLessThanOrEqual(MAX_PAGE_TOKEN);
        expect(decodePageToken(list, token)).toBe(after);
      }),
    );
  });

  test('is refused by every other list', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), position, (list, other, after) => {
        fc.pre(list !== other);
        expect(codeOf(() => decodePageToken(other, encodePageToken(list, after)))).toBe('BAD_PAGE_TOKEN');
      }),
    );
  });

  test('is refused after any change of one character', () => {
    fc.assert(
      fc.property(position, fc.nat(), fc.string({ minLength: 1, maxLength: 1 }), (after, at, character) => {
        const token = encodePageToken('users', after);
        const index = at % token.length;
        const changed = token.slice(0, index) + character + token.slice(index + 1);
        fc.pre(changed !== token);
        expect(codeOf(() => decodePageToken('users', changed))).toBe('BAD_PAGE_TOKEN');
      }),
    );
  });

  test('is refused if it is any other text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (text) => {
        expect(codeOf(() => decodePageToken('users', text))).toBe('BAD_PAGE_TOKEN');
      }),
    );
    for (const text of ['nope', '1', '%00', 'AAAAAAAAAA', ' ', encodePageToken('users', 'a').slice(1)]) {
      expect(codeOf(() => decodePageToken('users', text))).toBe('BAD_PAGE_TOKEN');
    }
  });

  test('absent or empty means the first page', () => {
    expect([decodePageToken('users', undefined), decodePageToken('users', '')]).toEqual([undefined, undefined]);
  });
});
