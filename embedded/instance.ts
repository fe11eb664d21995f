import { randomUUID } from 'node:crypto';
import { rmSync, statSync } from 'node:fs';
import { type DataDir, readJson, writePrivate } from './data-dir.ts';

/** What `instance.json` holds. */
interface Instance {
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
  const { dev, ino } = statSync(dir.root, { bigint: true });
  const place = `${dev}:${ino}`;
  const known = readJson<Instance>(dir.instance);
  if (known?.place === place) return known.id;
  rmSync(dir.processes, { recursive: true, force: true });
  const id = randomUUID();
  writePrivate(dir.instance, { id, createdAt: new Date().toISOString(), place } satisfies Instance);
  return id;
}
