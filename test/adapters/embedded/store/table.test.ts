import { basename } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { openTable } from '../../../../adapters/embedded/store/table.ts';
import { systemClock } from '../../../../adapters/shared/clock.ts';
import type { Write } from '../../../../core/ports/table.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { until } from '../../../support/until.ts';
import { newFile, open, putAt, withTable } from './table-files.ts';

describe('SqliteTable', () => {
  test('commits concurrent transactions together, and rolls back only those whose condition fails', async () => {
    const table = open();
    try {
      const results = await Promise.allSettled(
        ['a', 'b', 'a', 'c'].map((sk) =>
          table.transact([{ ...putAt('p', sk), if: 'absent' }, putAt('q', `${sk}-mark`)]),
        ),
      );
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
      expect((await table.query({ pk: 'p', limit: 10 })).items.map(({ sk }) => sk)).toEqual(['a', 'b', 'c']);
    } finally {
      await table.close();
    }
  });

  test('notifies its listeners of the partitions that a transaction wrote to, after the commit', async () => {
    const table = open();
    try {
      const heard: unknown[] = [];
      table.onCommit((pks) => heard.push(pks));
      await table.transact([
        putAt('a', '1'),
        { check: { pk: 'b', sk: '1' }, if: 'absent' },
        { delete: { pk: 'c', sk: '1' } },
      ]);
      await expect(table.transact([{ check: { pk: 'b', sk: '1' }, if: 'present' }])).rejects.toThrow();
      expect(heard).toEqual([['a', 'c']]);
    } finally {
      await table.close();
    }
  });

  test('completes writes requested before close, and refuses later ones', async () => {
    const file = newFile();
    const table = open({ file });
    const writes = Promise.all(Array.from({ length: 50 }, (_, i) => table.transact([putAt('p', `${i}`)])));
    await table.close();
    await writes;
    await expect(table.transact([putAt('p', 'late')])).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await table.close();
    await withTable(file, async (again) => expect((await again.query({ pk: 'p', limit: 100 })).items).toHaveLength(50));
  });

  test('deletes expired items, more than one batch of them, and keeps the others', async () => {
    const clock = new ManualClock();
    const table = open({ clock });
    const soon = clock.now() / 1000 + 10;
    const count = () => Number(table.database.statement('SELECT count(*) AS n FROM items').get()?.n);
    try {
      for (let batch = 0; batch < 12; batch++) {
        const writes: Write[] = Array.from({ length: 100 }, (_, i) => putAt('p', `${batch}-${i}`, { expiresAt: soon }));
        await table.transact(writes);
      }
      await table.transact([putAt('p', 'kept'), putAt('p', 'later', { expiresAt: soon + 3600 })]);
      expect((await table.query({ pk: 'p', limit: 1000 })).items).toHaveLength(1000);
      clock.advance(60_000);
      await until(() => count() === 2);
      expect((await table.query({ pk: 'p', limit: 10 })).items.map(({ sk }) => sk)).toEqual(['kept', 'later']);
    } finally {
      await table.close();
    }
  });

  test("ON-6: deletes all partitions of a tenant past the first page, including expired items, and none of another tenant's", async () => {
    const table = open();
    try {
      const others = ['tenanta1', 'tenant', 'tenanta$', 'tenanta"', 'tenantb#orders'];
      for (let page = 0; page < 12; page++) {
        const expiresAt = page % 2 ? { expiresAt: 1 } : {};
        await table.transact(Array.from({ length: 100 }, (_, i) => putAt('tenanta#orders', `${page}-${i}`, expiresAt)));
      }
      await table.transact([putAt('tenanta', 'x'), putAt('tenanta#', 'x'), ...others.map((pk) => putAt(pk, 'x'))]);
      expect(table.hasPartitions('tenanta')).toBe(true);
      expect(await table.deletePartitions('tenanta')).toBe(1202);
      expect(table.hasPartitions('tenanta')).toBe(false);
      expect(await table.deletePartitions('tenanta')).toBe(0);
      for (const pk of others) expect(await table.get({ pk, sk: 'x' })).toBeDefined();
    } finally {
      await table.close();
    }
  });

  test('runs in WAL mode and syncs every commit by default', async () => {
    for (const [options, level] of [
      [{}, 2],
      [{ synchronous: 'normal' }, 1],
    ] as const) {
      const table = openTable({ file: newFile(), clock: systemClock, ...options });
      try {
        expect(table.database.statement('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
        expect(table.database.statement('PRAGMA synchronous').get()).toEqual({ synchronous: level });
      } finally {
        await table.close();
      }
    }
  });

  test('refuses writes with UNAVAILABLE while the disk is full, stores none of them, and continues when there is space', async () => {
    const table = open();
    const limitPages = (pages: number) => table.database.statement(`PRAGMA max_page_count = ${pages}`).get();
    const big = { data: { text: 'x'.repeat(100_000) } };
    try {
      await table.transact([putAt('p', 'before')]);
      limitPages(30);
      const [full, small] = await Promise.allSettled([
        table.transact([putAt('p', 'half'), putAt('p', 'big', big)]),
        table.transact([putAt('p', 'small')]),
      ]);
      const message = `${basename(table.database.file)}: the disk is full`;
      expect(full).toMatchObject({ status: 'rejected', reason: { code: 'UNAVAILABLE', message } });
      expect(await table.get({ pk: 'p', sk: 'half' })).toBeUndefined();
      expect((await table.get({ pk: 'p', sk: 'small' })) !== undefined).toBe(small.status === 'fulfilled');
      limitPages(1_000_000);
      await table.transact([putAt('p', 'big', big)]);
      expect((await table.query({ pk: 'p', prefix: 'b', limit: 10 })).items).toHaveLength(2);
    } finally {
      await table.close();
    }
  });
});
