import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { decodeBase64Url, encodeBase64Url } from '../../../core/encoding/base64url.ts';

describe('base64url', () => {
  test("encodes as Node's Buffer does and decodes what it encoded", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const text = encodeBase64Url(bytes);
        expect(text).toBe(Buffer.from(bytes).toString('base64url'));
        expect(decodeBase64Url(text)).toEqual(Uint8Array.from(bytes));
      }),
    );
  });

  test('encodes more bytes than a call has arguments', () => {
    expect(encodeBase64Url(new Uint8Array(300_000))).toHaveLength(400_000);
  });

  test('refuses text that is not base64url', () => {
    for (const text of ['a', '*', 'ab$d', 'a\u00e9bc']) expect(() => decodeBase64Url(text)).toThrow();
  });
});
