import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from '@jest/globals';
import { defined } from '../../../../core/defined.ts';
import type { Table } from '../../../../core/ports/table.ts';
import { until } from '../../../support/until.ts';
import { newFile, open, putAt, withTable } from './table-files.ts';

describe('SqliteTable in several processes', () => {
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
    await until(() => writers.every(({ durable }) => durable.length >= 40), 60_000);
    await Promise.all(writers.map(({ kill }) => kill()));
    await withTable(file, async (table) => {
      for (const { name, durable } of writers) await expectPairs(table, name, durable);
    });
  }, 90_000);

  test('a killed writer leaves each transaction whole or absent, and every one that it reported as stored', async () => {
    const file = newFile();
    for (const name of ['a', 'b', 'c']) {
      const writer = startWriter(file, name);
      await until(() => writer.durable.length >= 25, 20_000);
      await writer.kill();
      await withTable(file, (table) => expectPairs(table, name, writer.durable));
    }
  });
});

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
