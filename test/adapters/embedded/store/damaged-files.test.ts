import { copyFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from '@jest/globals';
import { STORE_VERSION } from '../../../../adapters/embedded/store/database.ts';
import { directory, newFile, open, putAt, withTable } from './table-files.ts';

describe('SqliteTable', () => {
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
