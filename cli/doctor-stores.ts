import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { STORE_VERSION } from '../adapters/embedded/store/database.ts';
import { messageOf } from '../core/errors.ts';
import type { DataDir } from '../embedded/data-dir.ts';

/** Why the database cannot be used; undefined if it can. Reads only. */
export function databaseError(file: string): string | undefined {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { readOnly: true });
    const version = Number(db.prepare('PRAGMA user_version').get()?.user_version);
    if (version > STORE_VERSION) {
      return `store version must be at most ${STORE_VERSION}, got ${version}; use a newer Tierplane`;
    }
    const result = String(Object.values(db.prepare('PRAGMA quick_check(1)').get() ?? {})[0]);
    return result === 'ok' ? undefined : result;
  } catch (error) {
    return messageOf(error);
  } finally {
    db?.close();
  }
}

/** The stores of the services that cannot be used, each with the reason. */
export function damagedStores(
  dir: DataDir,
  services: readonly string[],
): { readonly count: number; readonly errors: string[] } {
  const all = existsSync(dir.tenants) ? readdirSync(dir.tenants, { recursive: true, encoding: 'utf8' }) : [];
  const files = all
    .filter((name) => services.some((service) => name.endsWith(`/${service}.db`)))
    .map((name) => join(dir.tenants, name));
  const errors = files.flatMap((file) => {
    const error = fileError(file) ?? databaseError(file);
    return error === undefined ? [] : [`${file}: ${error}`];
  });
  return { count: files.length, errors };
}

/** A task runs as the owner of its store, so what this user may do with it proves nothing. */
function fileError(file: string): string | undefined {
  const found = lstatSync(file);
  if (!found.isFile()) return 'must be a regular file';
  return (found.mode & 0o600) === 0o600 ? undefined : 'its owner must be able to read and write it';
}
