import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../../adapters/embedded/clock.ts';
import { STORE_VERSION } from '../../../adapters/embedded/store/database.ts';
import { openTable, type TableOptions } from '../../../adapters/embedded/store/table.ts';
import { defined } from '../../../core/defined.ts';
import { put, type Table, type Write } from '../../../core/ports/table.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { until } from '../../support/until.ts';
import { tableContract } from './table.suite.ts';

const directory = mkdtempSync(join(tmpdir(), 'tierplane-table-'));
afterAll(() => rmSync(directory, { recursive: true }));

let files = 0;
const newFile = (): string => join(directory, `${files++}.db`);
const open = (options: Partial<TableOptions> = {}) =>
  openTable({ file: newFile(), clock: systemClock, synchronous: 'normal', ...options });
const putAt = (pk: string, sk: string, more: object = {}) => put({ pk, sk, version: 1, data: {}, ...more });

tableContract('SqliteTable', async () => {
  const table = open();
  return { table, close: () => table.close() };
});

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

  test('can be read by another process, which sees committed writes and cannot write', async () => {
    const file = newFile();
    expect(() => open({ file, readOnly: true })).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }));
    const writer = open({ file });
    const reader = open({ file, readOnly: true });
    try {
      const before = reader.dataVersion();
      expect(reader.dataVersion()).toBe(before);
      await writer.transact([putAt('p', 'x')]);
      expect(reader.dataVersion()).not.toBe(before);
      expect(await reader.get({ pk: 'p', sk: 'x' })).toBeDefined();
      await expect(reader.transact([putAt('p', 'y')])).rejects.toMatchObject({ code: 'INTERNAL' });
    } finally {
      await reader.close();
      await writer.close();
    }
  });

  test('waits for a lock that another process holds, and fails with UNAVAILABLE if it is never released', async () => {
    const file = newFile();
    const blocked = open({ file });
    const timingOut = open({ file, lockTimeoutMs: 1 });
    const holder = new DatabaseSync(file);
    try {
      holder.exec('BEGIN IMMEDIATE');
      await expect(timingOut.transact([putAt('p', 'hasty')])).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      const waiting = Promise.all(Array.from({ length: 5 }, (_, i) => blocked.transact([putAt('p', `${i}`)])));
      await blocked.get({ pk: 'p', sk: '0' });
      holder.exec('COMMIT');
      await waiting;
      expect((await blocked.query({ pk: 'p', limit: 10 })).items).toHaveLength(5);
    } finally {
      holder.close();
      await timingOut.close();
      await blocked.close();
    }
  });

  test('a file that several processes create and write at once holds every write that was reported as stored', async () => {
    const file = newFile();
    const writers = ['a', 'b', 'c'].map((name) => startWriter(file, name));
    await until(() => writers.every(({ durable }) => durable.length >= 40), 20_000);
    await Promise.all(writers.map(({ kill }) => kill()));
    await withTable(file, async (table) => {
      for (const { name, durable } of writers) await expectPairs(table, name, durable);
    });
  });

  test('a killed writer leaves each transaction whole or absent, and every one that it reported as stored', async () => {
    const file = newFile();
    for (const name of ['a', 'b', 'c']) {
      const writer = startWriter(file, name);
      await until(() => writer.durable.length >= 25, 20_000);
      await writer.kill();
      await withTable(file, (table) => expectPairs(table, name, writer.durable));
    }
  });

  test('refuses a store of a newer version and does not change it', async () => {
    const file = newFile();
    await open({ file }).close();
    const raw = new DatabaseSync(file);
    raw.exec(`PRAGMA user_version = ${STORE_VERSION + 1}`);
    raw.close();
    const before = readFileSync(file);
    for (const readOnly of [false, true]) {
      expect(() => open({ file, readOnly })).toThrow(
        expect.objectContaining({
          code: 'CORRUPT',
          message: expect.stringContaining(`store version ${STORE_VERSION} or lower, got ${STORE_VERSION + 1}`),
        }),
      );
    }
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  test("refuses another program's database, a text file and a damaged file, and does not change them", async () => {
    const whole = newFile();
    await withTable(whole, async (table) => {
      for (let i = 0; i < 5; i++) {
        await table.transact(Array.from({ length: 100 }, (_, k) => putAt('p', `${i}-${k}-${'x'.repeat(100)}`)));
      }
    });
    const foreign = newFile();
    const raw = new DatabaseSync(foreign);
    raw.exec('CREATE TABLE theirs (x)');
    raw.close();
    const text = newFile();
    writeFileSync(text, 'this is not a database, but it is long enough to be taken for one '.repeat(20));
    const cut = newFile();
    copyFileSync(whole, cut);
    truncateSync(cut, 20_000);
    const scribbled = newFile();
    writeFileSync(scribbled, readFileSync(whole).fill(0xa5, 40_000, 48_000));

    for (const [file, advice] of [
      [foreign, 'database of another program'],
      [text, 'damaged'],
      [cut, 'damaged'],
      [scribbled, 'damaged'],
    ] as const) {
      const before = readFileSync(file);
      expect(() => open({ file })).toThrow(
        expect.objectContaining({ code: 'CORRUPT', message: expect.stringContaining(`${file} `) }),
      );
      expect(() => open({ file })).toThrow(advice);
      expect(readFileSync(file).equals(before)).toBe(true);
    }
  });

  test('cannot be opened if its directory does not exist', () => {
    expect(() => open({ file: join(directory, 'none', 'x.db') })).toThrow(
      expect.objectContaining({ code: 'UNAVAILABLE' }),
    );
  });
});

async function withTable(file: string, use: (table: Table) => Promise<void>): Promise<void> {
  const table = open({ file });
  try {
    await use(table);
  } finally {
    await table.close();
  }
}

interface Writer {
  readonly name: string;
  /** The numbers that the process reported as stored. */
  readonly durable: readonly number[];
  kill(): Promise<void>;
}

function startWriter(file: string, name: string): Writer {
  const child: ChildProcess = spawn(process.execPath, [join(import.meta.dirname, 'write-pairs.ts'), file, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { NODE_NO_WARNINGS: '1' },
  });
  const durable: number[] = [];
  let rest = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    durable.push(...lines.map(Number));
  });
  return {
    name,
    durable,
    async kill() {
      const closed = once(child, 'close');
      child.kill('SIGKILL');
      await closed;
    },
  };
}

/** Checks that every pair is complete, and that no reported pair is missing. */
async function expectPairs(table: Table, name: string, durable: readonly number[]): Promise<void> {
  const [left, right] = await Promise.all(['left', 'right'].map((pk) => allNumbers(table, pk, `${name}-`)));
  expect(left).toEqual(right);
  expect(durable.filter((i) => !left?.includes(i))).toEqual([]);
}

async function allNumbers(table: Table, pk: string, prefix: string): Promise<number[]> {
  const numbers: number[] = [];
  for (let after: string | undefined; ; ) {
    const { items, next } = await table.query({ pk, prefix, limit: 1000, ...defined({ after }) });
    numbers.push(...items.map(({ sk }) => Number(sk.slice(prefix.length))));
    if (next === undefined) return numbers;
    after = next;
  }
}
