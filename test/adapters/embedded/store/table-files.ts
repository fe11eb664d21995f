import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';
import { openTable, type SqliteTable, type TableOptions } from '../../../../adapters/embedded/store/table.ts';
import { systemClock } from '../../../../adapters/shared/clock.ts';
import { put } from '../../../../core/ports/table.ts';

/** Holds the stores of a test file. It is removed after the last test. */
export const directory = mkdtempSync(join(tmpdir(), 'tierplane-table-'));
afterAll(() => rmSync(directory, { recursive: true }));

let files = 0;
export const newFile = (): string => join(directory, `${files++}.db`);

/** Opens a new store, or the one in `file`. */
export function open(options: Partial<TableOptions> = {}): SqliteTable {
  return openTable({ file: newFile(), clock: systemClock, synchronous: 'normal', ...options });
}

/** Opens the store in a file for as long as `use` runs. */
export async function withTable(file: string, use: (table: SqliteTable) => Promise<void>): Promise<void> {
  const table = open({ file });
  try {
    await use(table);
  } finally {
    await table.close();
  }
}

export const putAt = (pk: string, sk: string, more: object = {}) => put({ pk, sk, version: 1, data: {}, ...more });
