import { randomUUID } from 'node:crypto';
import { rmSync, statSync } from 'node:fs';
import { DomainError } from '../core/errors.ts';
import { type DataDir, readJson, writePrivate } from './data-dir.ts';

const WHOLE_ID = /^[\w-]{8,64}$/;

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
  const known = readInstance(dir);
  if (known?.place === place) return known.id;
  rmSync(dir.processes, { recursive: true, force: true });
  const id = randomUUID();
  writePrivate(dir.instance, { id, createdAt: new Date().toISOString(), place } satisfies Instance);
  return id;
}

/**
 * What `instance.json` holds. @returns undefined if there is no such file
 * @throws CORRUPT if the id is missing or incomplete. The platform ends processes by this id, and an incomplete one could
 *   match those of another installation.
 */
export function readInstance(dir: DataDir): Instance | undefined {
  const known = readJson<Partial<Instance> | null>(dir.instance);
  if (known === undefined) return undefined;
  const { id, place = '', createdAt = '' } = known ?? {};
  if (typeof id === 'string' && WHOLE_ID.test(id)) return { id, place, createdAt };
  throw new DomainError('CORRUPT', `${dir.instance} must have an id, but it has none; restore it from a backup`);
}

/** Device and inode of a file or directory; undefined if it does not exist. */
export function placeOf(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found && `${found.dev}:${found.ino}`;
}
