import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ConditionFailed, DomainError } from '../../../core/errors.ts';
import { bothGuards, type Guard } from '../../../core/ports/guard.ts';
import { type Condition, type Key, put, type Table, type Write } from '../../../core/ports/table.ts';
import { guardedTable, transactIf } from '../../../core/retry/guarded-table.ts';
import type { OpenTable } from './table.suite.ts';

/** What `guardedTable` and `transactIf` do over every adapter of the Table port. */
export function guardedTableContract(name: string, open: () => Promise<OpenTable>, numRuns = 300): void {
  describe(`a guarded ${name}`, () => {
    let opened: OpenTable;
    let table: Table;
    let partitions = 0;
    let caller: Key;
    let other: Key;

    beforeAll(async () => {
      opened = await open();
      table = opened.table;
    });
    beforeEach(async () => {
      const pk = `guarded${partitions++}`;
      caller = { pk, sk: 'caller' };
      other = { pk, sk: 'other' };
      await table.transact([at(caller, 1)]);
    });
    afterAll(async () => opened.close());

    async function versionOf(key: Key): Promise<number | undefined> {
      return (await table.get(key))?.version;
    }

    /** Permits changes while the caller exists, in whatever version. */
    const whilePresent: Guard = async () => {
      const version = await versionOf(caller);
      if (version === undefined) throw new DomainError('UNAUTHENTICATED', 'the caller is gone');
      return [{ check: caller, if: { version } }];
    };

    /** The table, on which `change` commits right before the next transaction. */
    function withRace(change: Write): Table {
      let pending: Write | undefined = change;
      return {
        get: (key) => table.get(key),
        query: (query) => table.query(query),
        async transact(writes) {
          const first = pending;
          pending = undefined;
          if (first) await table.transact([first]);
          await table.transact(writes);
        },
      };
    }

    test('ID-4: commits nothing once the guard refuses, even if the caller loses the right at the last moment', async () => {
      const guarded = guardedTable(withRace({ delete: caller }), whilePresent);
      await expect(guarded.transact([at(other, 1)])).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
      expect(await versionOf(other)).toBeUndefined();
    });

    test('asks the guard again, and commits, if the conditions have changed but the caller may still act', async () => {
      await guardedTable(withRace(at(caller, 2)), whilePresent).transact([at(other, 1)]);
      expect(await versionOf(other)).toBe(1);
    });

    test('gives up as unavailable if the conditions never hold', async () => {
      const guarded = guardedTable(table, async () => [{ check: caller, if: { version: 9 } }]);
      await expect(guarded.transact([at(other, 1)])).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      expect(await versionOf(other)).toBeUndefined();
    });

    test('lets a caller change, and delete, the very item that the guard relies on', async () => {
      const guarded = guardedTable(table, whilePresent);
      await guarded.transact([at(caller, 2), at(other, 1)]);
      await guarded.transact([at(caller, 3, { version: 2 })]);
      await guarded.transact([{ delete: caller }]);
      expect([await versionOf(caller), await versionOf(other)]).toEqual([undefined, 1]);
      await expect(guarded.transact([at(caller, 1)])).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    });

    test('reports the conditions of the writes themselves with their own indexes', async () => {
      const guarded = guardedTable(table, whilePresent);
      const writes = [at(other, 1, 'absent'), at({ ...other, sk: 'third' }, 1, 'present')];
      await expect(guarded.transact(writes)).rejects.toMatchObject({ name: 'ConditionFailed', failed: [1] });
    });

    test('reads without the guard, and asks it for no transaction without writes', async () => {
      const guarded = guardedTable(table, () => Promise.reject(new Error('asked')));
      expect(await guarded.get(caller)).toMatchObject({ version: 1 });
      expect((await guarded.query({ pk: caller.pk, limit: 1 })).items).toHaveLength(1);
      await guarded.transact([]);
    });

    test('asks both of two guards', async () => {
      const asked: string[] = [];
      const guard = (which: string) => async () => {
        asked.push(which);
        return [];
      };
      await guardedTable(table, bothGuards(guard('first'), guard('second'))).transact([at(other, 1)]);
      expect(asked).toEqual(['first', 'second']);
    });

    test('commits if and only if every condition holds, of writes and checks that share items in any way', async () => {
      const property = fc.asyncProperty(fc.tuple(anyRow, anyRow, anyRow), async (given) => {
        const rows = given.map((one, index) => ({ ...one, key: { pk: caller.pk, sk: `row${index}` } }));
        await table.transact(rows.map(({ key, stored }) => (stored === 0 ? { delete: key } : at(key, stored))));
        const writes = rows.flatMap(({ key, write, condition }) => writesOf(key, write, condition));
        const checks = rows.flatMap(({ key, check }) => (check === undefined ? [] : [{ check: key, if: check }]));
        const expected = rows.every(
          ({ stored, write, condition, check }) => (!write || holds(condition, stored)) && holds(check, stored),
        );
        const committed = await transactIf(table, writes, checks).catch((error: unknown) => {
          if (error instanceof ConditionFailed) return false;
          throw error;
        });
        expect(committed).toBe(expected);
        for (const { key, stored, write } of rows) {
          const after = committed && write ? (write === 'put' ? 7 : 0) : stored;
          expect((await versionOf(key)) ?? 0).toBe(after);
        }
      });
      await fc.assert(property, { numRuns });
    });
  });
}

const anyCondition = fc.constantFrom<Condition | undefined>(
  undefined,
  'absent',
  'present',
  { version: 1 },
  { version: 2 },
);
/** An item, and what a transaction says of it. `stored` is its version, 0 if it does not exist. */
const anyRow = fc.record({
  stored: fc.constantFrom(0, 1, 2),
  write: fc.constantFrom<'put' | 'delete' | undefined>(undefined, 'put', 'delete'),
  condition: anyCondition,
  check: anyCondition,
});

function at(key: Key, version: number, condition?: Condition): Write {
  return put({ ...key, version, data: {} }, condition);
}

function writesOf(key: Key, write: 'put' | 'delete' | undefined, condition: Condition | undefined): Write[] {
  if (write === undefined) return [];
  if (write === 'put') return [at(key, 7, condition)];
  return [{ delete: key, ...(condition !== undefined && { if: condition }) }];
}

function holds(condition: Condition | undefined, stored: number): boolean {
  if (condition === undefined) return true;
  if (condition === 'absent') return stored === 0;
  return condition === 'present' ? stored !== 0 : stored === condition.version;
}
