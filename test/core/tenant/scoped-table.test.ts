import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { openTable, type SqliteTable } from '../../../adapters/embedded/store/table.ts';
import { systemClock } from '../../../adapters/shared/clock.ts';
import { type Key, put, type Write } from '../../../core/ports/table.ts';
import { scopedTable } from '../../../core/tenant/scoped-table.ts';

const OWN = 'tenantaaa1';
const FOREIGN = 'tenantbbb2';
/** Foreign and absent ids, ids with the same prefix, and spellings that a careless comparison would accept. */
const NOT_OWN = [
  FOREIGN,
  `${FOREIGN}#orders`,
  `${OWN}0`,
  `${OWN}0#orders`,
  OWN.slice(0, -1),
  OWN.toUpperCase(),
  ` ${OWN}`,
  `${OWN} `,
  `${OWN}$`,
  `#${OWN}`,
  `${OWN}＃orders`,
  `orders#${OWN}`,
  'outbox',
];

describe('scopedTable', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tierplane-scoped-'));
  let table: SqliteTable;
  beforeAll(async () => {
    table = openTable({ file: join(directory, 'x.db'), clock: systemClock, synchronous: 'normal' });
    for (const pk of [OWN, `${OWN}#orders`, ...NOT_OWN]) {
      const indexes = { g1: { pk, sk: 'secret' } };
      await table.transact([put({ pk, sk: 'secret', version: 1, data: { secret: pk }, indexes })]);
    }
  });
  afterAll(async () => {
    await table.close();
    rmSync(directory, { recursive: true });
  });

  const putAt = (pk: string): Write => put({ pk, sk: 'new', version: 1, data: {} });

  test("TI-2: reads and writes the tenant's own partitions", async () => {
    const own = scopedTable(table, OWN);
    for (const pk of [OWN, `${OWN}#orders`, `${OWN}#`]) {
      const indexes = { g2: { pk: `${OWN}#by-name`, sk: pk } };
      await own.transact([put({ pk, sk: 'x', version: 1, data: {}, indexes })]);
      expect(await own.get({ pk, sk: 'x' })).toMatchObject({ pk, indexes });
      expect((await own.query({ pk, prefix: 'x', limit: 1 })).items).toHaveLength(1);
    }
    expect((await own.query({ pk: `${OWN}#by-name`, index: 'g2', limit: 10 })).items).toHaveLength(3);
  });

  test.each(NOT_OWN)(
    "TI-2: refuses partition '%s' of another tenant with ACCESS_DENIED, and does nothing",
    async (pk) => {
      const own = scopedTable(table, OWN);
      const foreign: Key = { pk, sk: 'secret' };
      const indexed: Write = put({ pk: OWN, sk: 'new', version: 1, data: {}, indexes: { g5: { pk, sk: 'new' } } });
      const attempts = [
        () => own.get(foreign),
        () => own.query({ pk, limit: 1 }),
        () => own.query({ pk, index: 'g1', limit: 1 }),
        () => own.transact([putAt(OWN), putAt(pk)]),
        () => own.transact([putAt(OWN), { delete: foreign }]),
        () => own.transact([putAt(OWN), { check: foreign, if: 'absent' }]),
        () => own.transact([indexed]),
      ];
      for (const attempt of attempts) {
        const refused = await attempt().then(
          () => undefined,
          (error: Error) => error,
        );
        expect(refused).toMatchObject({ code: 'ACCESS_DENIED' });
        expect(refused?.message).not.toContain(pk);
      }
      expect(await table.get({ pk: OWN, sk: 'new' })).toBeUndefined();
      expect(await table.get({ pk, sk: 'new' })).toBeUndefined();
      expect(await table.get(foreign)).toMatchObject({ data: { secret: pk } });
    },
  );

  test('TI-2: reaches a key if and only if its partition is the tenant id or begins with it and #', async () => {
    const own = scopedTable(table, OWN);
    const part = fc.constantFrom(OWN, FOREIGN, '#', 'orders', '0', ' ');
    const partition = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join(''));
    const property = fc.asyncProperty(partition, async (pk) => {
      const allowed = pk.split('#')[0] === OWN;
      const read = own.get({ pk, sk: 'any' });
      if (allowed) expect(await read).toBeUndefined();
      else await expect(read).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    });
    await fc.assert(property, { numRuns: 300 });
  });

  test.each(['', 'short', `${OWN}#`, 'tenant*aaa', 'TENANTAAA1'])("refuses '%s', which is not a tenant id", (id) => {
    expect(() => scopedTable(table, id)).toThrow(expect.objectContaining({ code: 'INVALID' }));
  });
});
