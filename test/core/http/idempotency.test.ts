import { expect, test } from '@jest/globals';
import { keepResult, requireIdempotencyKey, storedResult } from '../../../core/http/idempotency.ts';
import type { Table } from '../../../core/ports/table.ts';

const NOW = Date.parse('2026-01-01T00:00:00.999Z');
const intent = { key: { pk: 'idempotency#admin', sk: 'key-1' }, fingerprint: 'digest-1' };
const result = { tenant_id: 'acme' };

function tableWith(data: object | undefined): Table {
  const get: Pick<Table, 'get'>['get'] = async (key) =>
    data === undefined ? undefined : ({ ...key, version: 1, data } as never);
  return { get } as Table;
}

test.each(['a', '~', '!', 'x'.repeat(255)])('the Idempotency-Key %j is accepted', (key) => {
  expect(() => requireIdempotencyKey(key)).not.toThrow();
});

test.each(['', ' ', 'a b', 'ä', 'a\n', 'x'.repeat(256)])('SE-6: the Idempotency-Key %j is refused', (key) => {
  expect(() => requireIdempotencyKey(key)).toThrow(
    expect.objectContaining({
      code: 'INVALID',
      issues: [expect.objectContaining({ loc: ['header', 'idempotency-key'], type: 'string_pattern_mismatch' })],
    }),
  );
});

test('a result is kept under its key for 24 hours, unless the key has one', () => {
  expect(keepResult(intent, result, NOW)).toEqual({
    put: {
      ...intent.key,
      version: 1,
      data: { fingerprint: 'digest-1', result },
      expiresAt: Math.floor(NOW / 1000) + 24 * 60 * 60,
    },
    if: 'absent',
  });
});

test('a repetition gets the kept result, and a first request gets none', async () => {
  expect(await storedResult(tableWith({ fingerprint: 'digest-1', result }), intent, 'INVALID')).toBe(result);
  expect(await storedResult(tableWith(undefined), intent, 'INVALID')).toBeUndefined();
});

test.each(['INVALID', 'CONFLICT'] as const)('a key that comes with other content is refused with %s', async (code) => {
  const table = tableWith({ fingerprint: 'digest-2', result });
  await expect(storedResult(table, intent, code)).rejects.toMatchObject({
    code,
    message: 'Idempotency-Key was used with other content before',
    issues: [
      {
        loc: ['header', 'idempotency-key'],
        type: 'idempotency_key_reused',
        msg: 'was used with other content before',
      },
    ],
  });
});
