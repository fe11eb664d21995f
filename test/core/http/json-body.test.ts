import { expect, test } from '@jest/globals';
import { decodeUtf8, parseJson } from '../../../core/http/json-body.ts';

/** @param depth how many lists are inside one another */
function nested(depth: number): string {
  return '['.repeat(depth) + ']'.repeat(depth);
}

test('SE-6: no body is the value undefined, and text that is not JSON has no value', () => {
  expect([parseJson(undefined), parseJson('')]).toEqual([{ value: undefined }, { value: undefined }]);
  expect([parseJson('{'), parseJson('undefined'), parseJson("{'a':1}")]).toEqual([undefined, undefined, undefined]);
});

test('SE-6: a byte order mark is ignored, and a nesting of 32 levels is accepted', () => {
  expect(parseJson('\uFEFF{"a":[1,"ä",null,true]}')).toEqual({ value: { a: [1, 'ä', null, true] } });
  expect(parseJson('{"a":"\uFEFF"}')).toEqual({ value: { a: '\uFEFF' } });
  expect(parseJson(nested(32))).toBeDefined();
  expect(parseJson(JSON.stringify(Array(10_000).fill(0)))).toBeDefined();
});

test.each([
  ['33 levels', nested(33), ['body', 0, 0, 0], 'recursion_loop'],
  ['100,000 levels', nested(100_000), ['body', 0, 0, 0], 'recursion_loop'],
  [
    '10,001 keys',
    JSON.stringify(Object.fromEntries(Array.from({ length: 10_001 }, (_, i) => [`k${i}`, i]))),
    ['body'],
    'too_many_values',
  ],
  [
    '10,001 items in two lists',
    JSON.stringify([Array(5_000).fill(0), Array(5_000).fill(0)]),
    ['body'],
    'too_many_values',
  ],
  ['a prototype', '{"a":[{"__proto__":{}}]}', ['body', 'a', 0, '__proto__'], 'extra_forbidden'],
  ['an infinite number', '{"a":[0,-1e999]}', ['body', 'a', 1], 'finite_number'],
  ['a lone surrogate', '{"a":"\\ud800"}', ['body', 'a'], 'string_unicode'],
  ['a lone surrogate in a key', '{"a":{"\\udfff":1}}', ['body', 'a'], 'string_unicode'],
])('SE-6: %s is refused with its path', (_what, text, loc, type) => {
  let issues: unknown;
  try {
    parseJson(text);
  } catch (error) {
    issues = (error as { issues: unknown }).issues;
  }
  expect(issues).toEqual([expect.objectContaining({ loc, type })]);
});

test('SE-6: bytes that are not UTF-8 have no text', () => {
  expect(decodeUtf8(new TextEncoder().encode('ä'))).toBe('ä');
  expect(decodeUtf8(new Uint8Array([0x22, 0xff, 0x22]))).toBeUndefined();
});
