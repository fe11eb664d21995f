import { describe, expect, test } from '@jest/globals';
import { compare } from './compare.ts';
import { fuzz } from './fuzz.ts';
import type { FuzzCase, Reading } from './fuzz-case.ts';
import { minimise } from './minimise.ts';
import { mutatedCase } from './mutate.ts';
import { readWithOwn } from './own-reader.ts';
import { Random } from './random.ts';

test('SE-1: Node reads every response that the gateway accepts in the same way', async () => {
  const { failure, responses, accepted } = await fuzz({ seed: 20_260_101, count: 2_000 });
  expect(failure).toBeUndefined();
  expect(responses).toBeGreaterThanOrEqual(2_000);
  // A corpus that is refused as a whole would prove nothing.
  expect(accepted).toBeGreaterThan(300);
}, 60_000);

describe('the comparison', () => {
  const OK = 'HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 3\r\n\r\nabc';
  const twoResponses: FuzzCase = {
    exchanges: [
      { method: 'GET', bytes: OK, splits: [3, 20] },
      { method: 'GET', bytes: `${OK}more`, splits: [] },
    ],
  };

  test('accepts what both read in the same way, over several responses', async () => {
    const valid: FuzzCase = { exchanges: twoResponses.exchanges.with(1, { method: 'HEAD', bytes: '', splits: [] }) };
    expect(await compare(valid)).toEqual({ difference: undefined, accepted: 1 });
  });

  const reading: Reading = {
    status: 200,
    headers: ['A', 'b', 'Content-Length', '3'],
    body: 'abc',
    end: OK.length,
    untilClose: false,
    reusable: true,
  };
  test.each<[string, Partial<Reading>, RegExp]>([
    ['status', { status: 201 }, /status: Node 200, own 201/],
    ['headers', { headers: ['A', 'b'] }, /headers/],
    ['body', { body: 'ab' }, /body/],
    ['end, when it is too early', { end: OK.length - 1 }, /later end/],
    ['end, when it is too late', { end: OK.length + 1 }, /earlier end/],
    ['end, when only the connection ends it', { untilClose: true, reusable: false }, /earlier end/],
  ])('finds a different %s', async (_what, change, difference) => {
    const accepted = [reading, { ...reading, ...change, reusable: false }];
    const result = await compare(twoResponses, () => ({ accepted, partial: undefined }));
    expect(result.difference).toMatch(difference);
  });

  test('finds a connection that only the gateway uses again', async () => {
    const closing = OK.replace('A: b', 'Connection: close');
    const exchanges = [{ method: 'GET', bytes: closing, splits: [] }] as const;
    const accepted = [{ ...reading, headers: ['Content-Length', '3'], end: closing.length }];
    const result = await compare({ exchanges }, () => ({ accepted, partial: undefined }));
    expect(result.difference).toMatch(/does not use the connection again/);
  });

  test('finds a head that was passed on before the response was refused, and that Node refuses', async () => {
    const exchanges = [{ method: 'GET', bytes: 'HTTP/1.1 200 OK\r\nA b\r\n\r\n', splits: [] }] as const;
    const partial = { status: 200, headers: [], body: '' };
    const result = await compare({ exchanges }, () => ({ accepted: [], partial }));
    expect(result.difference).toMatch(/Node refuses the head/);
  });
});

describe('the cases', () => {
  test('depend on the seed and the index only', () => {
    const of = (seed: number, index: number): string => JSON.stringify(mutatedCase(Random.forCase(seed, index)));
    expect(of(1, 7)).toBe(of(1, 7));
    expect(new Set([of(1, 7), of(1, 8), of(2, 7), of(2, 8)]).size).toBe(4);
  });

  test('include every kind of response that the gateway accepts', () => {
    const accepted = Array.from({ length: 2_000 }, (_, i) => mutatedCase(Random.forCase(3, i))).flatMap((fuzzCase) =>
      readWithOwn(fuzzCase).accepted.map((reading, i) => ({ ...reading, ...fuzzCase.exchanges[i] })),
    );
    expect(accepted.some(({ method }) => method === 'HEAD')).toBe(true);
    expect(accepted.some(({ untilClose }) => untilClose)).toBe(true);
    for (const status of [200, 204, 304]) expect(accepted.some((one) => one.status === status)).toBe(true);
    for (const part of [/^HTTP\/1\.1 10[0-9] /, /chunked/i, /;a="b;c"/, /\r\n0\r\nX-T: 1/])
      expect(accepted.some(({ bytes = '' }) => part.test(bytes))).toBe(true);
  });

  test('are made as small as they can be', async () => {
    const large = mutatedCase(Random.forCase(4, 1));
    const withMark = {
      exchanges: [...large.exchanges, { method: 'GET', bytes: 'abc#def#', splits: [1, 2] }],
    } satisfies FuzzCase;
    const fails = async ({ exchanges }: FuzzCase): Promise<boolean> =>
      exchanges.some(({ bytes }) => bytes.includes('#'));
    expect(await minimise(withMark, fails)).toEqual({ exchanges: [{ method: 'GET', bytes: '#', splits: [] }] });
  });
});
