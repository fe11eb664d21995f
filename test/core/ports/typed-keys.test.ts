import { describe, expect, test } from '@jest/globals';
import { type Key, type Partition, put, type Table, type Write } from '../../../core/ports/table.ts';

interface Invoice {
  readonly total: number;
}

const invoice: Key<Invoice> = { pk: 'invoices', sk: '1' };
const invoices: Partition<Invoice> = { pk: 'invoices' };

/** The compiler is what is tested here: `npm run typecheck` fails where one of these lines should compile or should not. */
describe('a key that carries the type of its record', () => {
  test('makes a put of that record', () => {
    expect(put({ ...invoice, version: 1, data: { total: 5 } })).toEqual({
      put: { pk: 'invoices', sk: '1', version: 1, data: { total: 5 } },
    });
    expect(put({ ...invoice, version: 1, data: { total: 5 } }, 'absent')).toMatchObject({ if: 'absent' });
  });

  test('does not compile with data of another type', () => {
    // @ts-expect-error total must be a number
    put({ ...invoice, version: 1, data: { total: '5' } });
    // @ts-expect-error total is missing
    put({ ...invoices, sk: '1', version: 1, data: {} });
    // @ts-expect-error only put() makes a put
    const write: Write = { put: { ...invoice, version: 1, data: { total: '5' } } };
    expect(write).toBeDefined();
  });

  test('types what a table returns', () => {
    const read = async (table: Table): Promise<number | undefined> => {
      const page = await table.query({ ...invoices, limit: 1 });
      // @ts-expect-error an invoice has no currency
      page.items[0]?.data.currency;
      return (await table.get(invoice))?.data.total ?? page.items[0]?.data.total;
    };
    expect(read).toBeDefined();
  });
});
