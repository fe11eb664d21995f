import { describe, expect, test } from '@jest/globals';
import type { Query, Write } from '../../../core/ports/table.ts';
import {
  afterPrefix,
  checkKey,
  checkQuery,
  checkWrites,
  encodeData,
  MAX_DATA_BYTES,
} from '../../../core/ports/table-rules.ts';

const INVALID = expect.objectContaining({ code: 'INVALID' });
const TOO_LARGE = expect.objectContaining({ code: 'TOO_LARGE' });
const MAX_TRANSACTION_BYTES = 4 * 1024 * 1024;

function put(sk: string, more: object = {}): Write {
  return { put: { pk: 'p', sk, version: 1, data: {}, ...more } } as unknown as Write;
}

describe('SE-6: a key', () => {
  // 512 characters of two bytes take 1024 bytes.
  const good = ['a', 'x'.repeat(512), 'é'.repeat(512), '€'.repeat(341), '😀', '\u0080', ' '];
  test.each(good)('%# is accepted', (part) => {
    expect(() => checkKey({ pk: part, sk: 'a' })).not.toThrow();
    expect(() => checkKey({ pk: 'a', sk: part })).not.toThrow();
  });

  test.each<[rule: string, part: unknown]>([
    ['a string, got number', 7],
    ['a string, got undefined', undefined],
    ['1..512 characters long, got 0', ''],
    ['1..512 characters long, got 513', 'x'.repeat(513)],
    ['free of control characters', 'a\u0000'],
    ['free of control characters', '\u001f'],
    ['free of control characters', '\u007f'],
    ['well-formed Unicode', 'a\ud800'],
    ['at most 1024 bytes in UTF-8', '€'.repeat(342)],
  ])('must be %s', (rule, part) => {
    const text = part as string;
    expect(() => checkKey({ pk: text, sk: 'a' })).toThrow(`pk of a key must be ${rule}`);
    expect(() => checkKey({ pk: 'a', sk: text })).toThrow(`sk of a key must be ${rule}`);
    expect(() => checkKey({ pk: text, sk: 'a' })).toThrow(INVALID);
  });
});

describe('SE-6: the writes of a transaction', () => {
  test('are at most 100, each key once', () => {
    const writes = Array.from({ length: 101 }, (_, i) => put(`k${i}`));
    expect(() => checkWrites(writes.slice(1))).not.toThrow();
    expect(() => checkWrites(writes)).toThrow(INVALID);
    expect(() => checkWrites([put('a'), { delete: { pk: 'p', sk: 'a' } }])).toThrow(INVALID);
    expect(() => checkWrites([put('a'), { check: { pk: 'p', sk: 'a' }, if: 'absent' }])).toThrow(INVALID);
    expect(() => checkWrites([put('a'), { delete: { pk: 'q', sk: 'a' } }])).not.toThrow();
  });

  test.each([
    { version: 0 },
    { version: 1.5 },
    { expiresAt: -1 },
    { expiresAt: 0.5 },
    { indexes: { g1: { pk: '', sk: 'a' } } },
    { sk: '' },
  ])('are refused with %j', (more) => {
    expect(() => checkWrites([put('a', more)])).toThrow(INVALID);
  });

  test.each([{ version: 2 ** 53 - 1 }, { expiresAt: 0 }, { indexes: { g1: undefined } }])('may have %j', (more) => {
    expect(() => checkWrites([put('a', more)])).not.toThrow();
  });
});

describe('SE-6: a query', () => {
  const query = { pk: 'p', limit: 10 } as Query;
  test.each([{ limit: 1 }, { limit: 1000 }, { prefix: '' }, { prefix: 'a' }, { after: 'a' }])('may have %j', (more) => {
    expect(() => checkQuery({ ...query, ...more })).not.toThrow();
  });

  test.each([
    ['limit', { limit: 0 }],
    ['limit', { limit: 1001 }],
    ['limit', { limit: 1.5 }],
    ['pk', { pk: '' }],
    ['prefix', { prefix: '\n' }],
    ['after', { after: '' }],
  ])('is refused for its %s in %j', (name, more) => {
    expect(() => checkQuery({ ...query, ...more })).toThrow(
      expect.objectContaining({ code: 'INVALID', message: expect.stringContaining(`${name} of a `) }),
    );
  });
});

describe('the data of a transaction', () => {
  /** Data that take `bytes` bytes as JSON: `{"a":""}` takes eight. */
  const ofSize = (sk: string, bytes: number) => put(sk, { data: { a: 'x'.repeat(bytes - 8) } });

  test('are encoded as JSON, in order, with nothing for deletions', () => {
    expect(encodeData([put('a', { data: { é: 1 } }), { delete: { pk: 'p', sk: 'b' } }])).toEqual([
      '{"é":1}',
      undefined,
    ]);
  });

  test('take at most 350 KB an item', () => {
    expect(MAX_DATA_BYTES).toBe(358_400);
    expect(() => encodeData([ofSize('a', MAX_DATA_BYTES)])).not.toThrow();
    expect(() => encodeData([ofSize('a', MAX_DATA_BYTES + 1)])).toThrow(TOO_LARGE);
  });

  test('take at most 4 MB together', () => {
    const size = MAX_TRANSACTION_BYTES / 16;
    const writes = Array.from({ length: 16 }, (_, i) => ofSize(`k${i}`, size));
    expect(() => encodeData(writes)).not.toThrow();
    expect(() => encodeData([...writes.slice(1), ofSize('more', size + 1)])).toThrow(TOO_LARGE);
  });
});

test.each([
  ['a', 'b'],
  ['ab', 'ac'],
  ['a\u{10ffff}', 'b'],
  ['a\ud7ff', 'a\ue000'],
  ['\u{10ffff}', undefined],
  ['', undefined],
])('the first text after all that begin with %j is %j', (prefix, after) => {
  expect(afterPrefix(prefix)).toBe(after);
});
