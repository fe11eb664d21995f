import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ConditionFailed, DomainError } from '../../../core/errors.ts';
import { put } from '../../../core/ports/table.ts';
import { createOnce } from '../../../services/kit/idempotency.ts';
import { openScratchTable } from '../../support/scratch-table.ts';

interface Book {
  readonly bookId: string;
}

const DAY_MS = 24 * 60 * 60 * 1000;

let scratch: Awaited<ReturnType<typeof openScratchTable>>;
let made: number;

beforeEach(async () => {
  scratch = await openScratchTable();
  made = 0;
});
afterEach(() => scratch.close());

/** Creates a book, as a service does, and returns it. */
function create(
  idempotencyKey: string | undefined,
  { body = { name: 'A' } as object, tenantId = 'acme0000', collection = 'books', before = async () => {} } = {},
): Promise<Book> {
  const { table, clock } = scratch;
  const request = { tenant: { tenantId, table }, idempotencyKey, body };
  return createOnce<Book>(request, collection, clock, async (keep) => {
    const book = { bookId: `book-${++made}` };
    await before();
    await table.transact([
      put({ pk: `${tenantId}#books`, sk: book.bookId, version: 1, data: book }, 'absent'),
      ...keep(book),
    ]);
    return book;
  });
}

describe('a creation', () => {
  test('without an Idempotency-Key happens with each request', async () => {
    expect([await create(undefined), await create(undefined)]).toEqual([{ bookId: 'book-1' }, { bookId: 'book-2' }]);
  });

  test('with an Idempotency-Key happens once, and each repetition gets its item', async () => {
    expect(await create('key-1')).toEqual({ bookId: 'book-1' });
    expect(await create('key-1')).toEqual({ bookId: 'book-1' });
    expect(await create('key-2')).toEqual({ bookId: 'book-2' });
    expect(made).toBe(2);
  });

  test('happens again after a day', async () => {
    await create('key-1');
    scratch.clock.advance(DAY_MS - 1000);
    expect(await create('key-1')).toEqual({ bookId: 'book-1' });
    scratch.clock.advance(2000);
    expect(await create('key-1')).toEqual({ bookId: 'book-2' });
  });

  test('has a key of its own in each collection and for each tenant', async () => {
    await create('key-1');
    expect(await create('key-1', { collection: 'authors' })).toEqual({ bookId: 'book-2' });
    expect(await create('key-1', { tenantId: 'globex00' })).toEqual({ bookId: 'book-3' });
  });

  test('keeps its result in the partition of its tenant, where the scoped table reaches it', async () => {
    await create('key-1');
    expect(await scratch.table.get({ pk: 'acme0000#books#results', sk: 'key-1' })).toMatchObject({ version: 1 });
  });

  test('is refused for a key that was used with another body', async () => {
    await create('key-1');
    await expect(create('key-1', { body: { name: 'B' } })).rejects.toMatchObject({
      code: 'CONFLICT',
      issues: [{ loc: ['header', 'idempotency-key'], type: 'idempotency_key_reused' }],
    });
    expect(made).toBe(1);
  });

  test.each(['', 'a b', 'ä', 'x'.repeat(256)])('is refused for the malformed key %j', async (key) => {
    await expect(create(key)).rejects.toMatchObject({ code: 'INVALID' });
    expect(made).toBe(0);
  });
});

describe('two creations at once with the same key', () => {
  test('make one item, which both get', async () => {
    const first = create('key-1', {
      before: async () => {
        await expect(create('key-1')).resolves.toEqual({ bookId: 'book-2' });
      },
    });
    expect(await first).toEqual({ bookId: 'book-2' });
    expect(await scratch.table.get({ pk: 'acme0000#books', sk: 'book-1' })).toBeUndefined();
  });

  test('make one item if the second one fails because the first has taken its name', async () => {
    const taken = new DomainError('CONFLICT', 'the name is taken');
    const before = async () => {
      await create('key-1');
      throw taken;
    };
    expect(await create('key-1', { before })).toEqual({ bookId: 'book-2' });
  });

  test('with different bodies are refused', async () => {
    const before = async () => void (await create('key-1', { body: { name: 'B' } }));
    await expect(create('key-1', { before })).rejects.toMatchObject({ code: 'CONFLICT' });
  });
});

describe('a creation that fails', () => {
  const fail = (error: Error) => create('key-1', { before: () => Promise.reject(error) });

  test.each([
    ['a conflict', new DomainError('CONFLICT', 'the name is taken')],
    ['a condition of another write', new ConditionFailed([0])],
    ['any other error', new Error('no disk')],
  ])('because of %s fails with this error, and may be repeated', async (_what, error) => {
    await expect(fail(error)).rejects.toBe(error);
    expect(await create('key-1')).toEqual({ bookId: 'book-2' });
  });

  test('fails with its own error even if another request has succeeded with the key', async () => {
    const error = new Error('no disk');
    const before = async () => {
      await create('key-1');
      throw error;
    };
    await expect(create('key-1', { before })).rejects.toBe(error);
  });
});
