import { randomUUID } from 'node:crypto';
import { rmSync, statSync } from 'node:fs';
import { type DataDir, readJson, writePrivate } from './data-dir.ts';

/** What `instance.json` holds. */
export interface Instance {
  readonly id: string;
  readonly createdAt: string;
  /** Device and inode of the data directory. A moved directory keeps them; a copied one does not. */
  readonly place: string;
}

/**
 * The mark of this data directory's processes, created at its first start. A copied directory gets a new mark, and its
 * records of processes are deleted: these processes belong to the original, so a start of the copy must not end them.
 */
export function instanceOf(dir: DataDir): string {
  const place = placeOf(dir.root) ?? '';
  const known = readJson<Instance>(dir.instance);
  if (known?.place === place) return known.id;
  rmSync(dir.processes, { recursive: true, force: true });
  const id = randomUUID();
  writePrivate(dir.instance, { id, createdAt: new Date().toISOString(), place } satisfies Instance);
  return id;
}

/** Device and inode of a file or directory; undefined if it does not exist. */
export function placeOf(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found && `${found.dev}:${found.ino}`;
}
