import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Key } from '../../../core/ports/table.ts';
import { put } from '../../../core/ports/table.ts';
import { rewrite } from '../../../services/kit/rewrite.ts';
import { openScratchTable } from '../../support/scratch-table.ts';

interface Book {
  readonly pages: number;
}

const KEY: Key<Book> = { pk: 'acme0000#books', sk: 'book-1' };

let scratch: Awaited<ReturnType<typeof openScratchTable>>;

beforeEach(async () => {
  scratch = await openScratchTable();
  await scratch.table.transact([put({ ...KEY, version: 1, data: { pages: 10 } }, 'absent')]);
});
afterEach(() => scratch.close());

const target = (ifMatch?: string, key = KEY) => ({ key, subject: 'book', ifMatch });
const addPage = ({ data }: { readonly data: Book }) => ({ item: { data: { pages: data.pages + 1 } } });

describe('a change of an item', () => {
  test.each([undefined, '"1"', '*'])('is made with If-Match %j', async (ifMatch) => {
    expect(await rewrite(scratch.table, target(ifMatch), addPage)).toMatchObject({ version: 2, data: { pages: 11 } });
    expect(await scratch.table.get(KEY)).toMatchObject({ version: 2, data: { pages: 11 } });
  });

  test.each(['"2"', 'W/"1"', ''])('is refused with If-Match %j, and changes nothing', async (ifMatch) => {
    await expect(rewrite(scratch.table, target(ifMatch), addPage)).rejects.toMatchObject({ code: 'CONDITION_FAILED' });
    expect(await scratch.table.get(KEY)).toMatchObject({ version: 1, data: { pages: 10 } });
  });

  test('that does not exist is refused with its name', async () => {
    const absent = target(undefined, { pk: 'acme0000#books', sk: 'book-2' });
    await expect(rewrite(scratch.table, absent, addPage)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'book not found',
    });
  });

  test('may delete it', async () => {
    expect(await rewrite<Book>(scratch.table, target(), () => ({ item: null }))).toBeUndefined();
    expect(await scratch.table.get(KEY)).toBeUndefined();
  });

  test('that other requests keep changing is refused with its name, after several attempts', async () => {
    const { table } = scratch;
    let attempts = 0;
    const contested = {
      ...table,
      get: async <T extends object>(key: Key<T>) => {
        const item = await table.get(key);
        attempts += 1;
        if (item) await table.transact([put({ ...item, version: item.version + 1 }, { version: item.version })]);
        return item;
      },
      transact: table.transact.bind(table),
    } as unknown as typeof table;
    await expect(rewrite(contested, target(), addPage)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: 'this book is being changed by other requests; try again',
      cause: { failed: [0] },
    });
    expect(attempts).toBeGreaterThan(1);
  });
});
