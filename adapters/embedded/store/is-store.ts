import { DatabaseSync } from 'node:sqlite';
import { STORE_VERSION } from './database.ts';

/** Whether the file is a store of this or an earlier version. Reads only, and waits for no lock: a locked file is none. */
export function isStore(file: string): boolean {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { readOnly: true, timeout: 0 });
    const version = Number(db.prepare('PRAGMA user_version').get()?.user_version);
    const tables = db.prepare("SELECT name FROM sqlite_schema WHERE name IN ('items', 'deliveries')").all();
    return version >= 1 && version <= STORE_VERSION && tables.length === 2;
  } catch {
    return false;
  } finally {
    db?.close();
  }
}
