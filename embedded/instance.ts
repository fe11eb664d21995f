import { randomUUID } from 'node:crypto';
import { rmSync, statSync } from 'node:fs';
import { type DataDir, readJson, writePrivate } from './data-dir.ts';

/** What `instance.json` holds. */
interface Instance {
  readonly id: string;
  readonly createdAt: string;
  /** Device and inode of the data directory it was made for: a moved directory keeps them, a copied one does not. */
  readonly place: string;
}

/**
 * The mark that this data directory's processes carry, made at its first start. A copy gets a mark of its own, and
 * forgets the processes recorded in it: they are the original's, and its start must not end them.
 */
export function instanceIn(dir: DataDir): string {
  const { dev, ino } = statSync(dir.root, { bigint: true });
  const place = `${dev}:${ino}`;
  const known = readJson<Instance>(dir.instance);
  if (known?.place === place) return known.id;
  rmSync(dir.processes, { recursive: true, force: true });
  const id = randomUUID();
  writePrivate(dir.instance, { id, createdAt: new Date().toISOString(), place } satisfies Instance);
  return id;
}
