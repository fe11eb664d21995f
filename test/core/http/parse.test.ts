import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import type { DomainError } from '../../../core/errors.ts';
import { invalid, parsePart, parseParts } from '../../../core/http/parse.ts';

function errorOf(parse: () => unknown): DomainError {
  try {
    parse();
  } catch (error) {
    return error as DomainError;
  }
  throw new Error('the value was accepted');
}

describe('the parts of a request', () => {
  test('are parsed in order, and a part without a schema is not looked at', () => {
    const trimmed = z.string().transform((text) => text.trim());
    const values = parseParts([
      { part: 'path', schema: z.object({ id: trimmed }), value: { id: ' a ' } },
      { part: 'query', schema: undefined, value: { any: 'thing' } },
      { part: 'body', schema: z.string(), value: 'text' },
    ]);
    expect(values).toEqual([{ id: 'a' }, undefined, 'text']);
  });

  test('SE-6: are refused with the issues of all parts and a message about the first', () => {
    const error = errorOf(() =>
      parseParts([
        { part: 'query', schema: z.object({ limit: z.string() }), value: {} },
        { part: 'body', schema: z.object({ lines: z.array(z.object({ sku: z.string() })) }), value: { lines: [{}] } },
      ]),
    );
    expect([error.code, error.message]).toEqual(['INVALID', 'limit: is required (and 1 more)']);
    expect(error.issues.map(({ loc }) => loc)).toEqual([
      ['query', 'limit'],
      ['body', 'lines', 0, 'sku'],
    ]);
  });

  test('SE-6: are named in the message by their path, or by the part if the whole of it is invalid', () => {
    const schema = z.object({ a: z.object({ b: z.string() }) });
    expect(errorOf(() => parsePart(schema, { a: {} }, 'body')).message).toBe('a.b: is required');
    expect(errorOf(() => parsePart(schema, undefined, 'body')).message).toBe('body: is required');
  });
});

test.each<[type: string, schema: z.ZodType, value: unknown]>([
  ['missing', z.string(), undefined],
  ['missing', z.enum(['a']), undefined],
  ['enum', z.enum(['a']), 'b'],
  ['string_type', z.string(), 1],
  ['dict_type', z.object({}), 'a'],
  ['dict_type', z.record(z.string(), z.string()), 'a'],
  ['list_type', z.array(z.string()), 'a'],
  ['bool_type', z.boolean(), 'a'],
  ['extra_forbidden', z.never(), 'a'],
  ['string_too_short', z.string().min(2), 'a'],
  ['string_too_long', z.string().max(2), 'abc'],
  ['greater_than_equal', z.number().min(2), 1],
  ['greater_than', z.number().gt(2), 2],
  ['less_than_equal', z.number().max(2), 3],
  ['less_than', z.number().lt(2), 2],
  ['value_error', z.string().refine(() => false), 'a'],
  ['password_policy', z.string().refine(() => false, { params: { type: 'password_policy' } }), 'a'],
  ['value_error', z.string().regex(/^b$/), 'a'],
])('SE-6: an issue has pydantic’s type %s', (type, schema, value) => {
  const { issues } = errorOf(() => parsePart(z.object({ field: schema }), { field: value }, 'body'));
  expect(issues).toEqual([{ loc: ['body', 'field'], type, msg: expect.any(String) }]);
});

test('SE-1.15: each unknown key is an issue of its own', () => {
  const schema = z.object({ inner: z.strictObject({}) });
  const { issues } = errorOf(() => parsePart(schema, { inner: { tier: 'premium', role: 'admin' } }, 'body'));
  expect(issues).toEqual(
    ['tier', 'role'].map((key) => ({
      loc: ['body', 'inner', key],
      type: 'extra_forbidden',
      msg: 'is not a known key',
    })),
  );
});

test('an error about one field names the field', () => {
  const error = invalid(['body', 'lines', 0], 'value_error', 'must differ');
  expect([error.code, error.message]).toEqual(['INVALID', 'lines.0 must differ']);
  expect(error.issues).toEqual([{ loc: ['body', 'lines', 0], type: 'value_error', msg: 'must differ' }]);
});
