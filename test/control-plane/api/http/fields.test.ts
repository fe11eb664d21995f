import { describe, expect, test } from '@jest/globals';
import type * as z from 'zod';
import { describeControlPlane } from '../../../../control-plane/api/description/control-plane-document.ts';
import { MAX_PAGE, pageQuery, pageQueryUpTo, tier } from '../../../../control-plane/api/http/fields.ts';
import { operation, PUBLIC } from '../../../../control-plane/api/http/operation.ts';
import { isDomainError } from '../../../../core/errors.ts';
import { parsePart } from '../../../../core/http/parse.ts';

/** The parsed value, or the type and the message of each issue. */
function parsed(schema: z.ZodType, value: unknown): unknown {
  try {
    return parsePart(schema, value, 'query');
  } catch (error) {
    if (!isDomainError(error, 'INVALID')) throw error;
    return error.issues.map(({ type, msg }) => `${type}: ${msg}`);
  }
}

describe('SE-6: the limit of a page', () => {
  test.each<[limit: string | undefined, expected: unknown]>([
    [undefined, 10],
    ['1', 1],
    [' +7 ', 7],
    ['1000', MAX_PAGE],
    ['1001', MAX_PAGE],
    ['999999999999999', MAX_PAGE],
    ['0', ['greater_than: must be greater than 0']],
    ['-1', ['greater_than: must be greater than 0']],
    ...['', ' ', '1.5', '1e3', '0x1', 'x1', '1x', '1 2', '1234567890123456'].map((limit): [string, unknown] => [
      limit,
      ['int_parsing: must be a whole number'],
    ]),
  ])('%j is %j where no maximum is declared', (limit, expected) => {
    const query = parsed(pageQuery, { limit });
    expect(query).toEqual(Array.isArray(expected) ? expected : { limit: expected });
  });

  test.each<[limit: string | undefined, expected: unknown]>([
    [undefined, { limit: 10 }],
    ['60', { limit: 60 }],
    ['61', ['less_than_equal: must be at most 60']],
    ['0', ['greater_than: must be greater than 0']],
  ])('%j is %j where at most 60 is declared', (limit, expected) => {
    expect(parsed(pageQueryUpTo(60), { limit })).toEqual(expected);
  });

  test('is described with its bounds', () => {
    const list = (id: string, query: z.ZodType) =>
      operation({
        ...({ id, method: 'GET', path: `/${id}`, access: PUBLIC, summary: 'List', query } as const),
        ...{ responses: { 200: { description: 'All.' } }, handle: () => ({ status: 200 as const }) },
      });
    const { paths } = describeControlPlane([list('all', pageQuery), list('some', pageQueryUpTo(60))], '');
    const limitOf = (path: string) => paths[path]?.get?.parameters.find(({ name }) => name === 'limit')?.schema;
    expect(limitOf('/all')).toStrictEqual({ type: 'integer', minimum: 1 });
    expect(limitOf('/some')).toStrictEqual({ type: 'integer', minimum: 1, maximum: 60 });
  });
});

test('an empty next_token means the first page', () => {
  expect(parsed(pageQuery, { next_token: '' })).toEqual({ limit: 10 });
  expect(parsed(pageQuery, { next_token: 'x' })).toEqual({ limit: 10, next_token: 'x' });
});

test('SE-6: a tier is its name in any case of letters; the message of another one is short', () => {
  expect(['basic', 'ADVANCED', 'Premium'].map((name) => parsed(tier, name))).toEqual(['basic', 'advanced', 'premium']);
  expect(parsed(tier, 'gold')).toEqual(["enum: must be one of basic, advanced, premium, got 'gold'"]);
  expect(parsed(tier, 'x'.repeat(1_000))).toEqual([expect.stringMatching(/got 'x{40}'$/)]);
});
