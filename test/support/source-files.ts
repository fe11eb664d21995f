import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');
/** Folders at the root that hold no source: packages, builds and documents. */
const NO_SOURCE = /^(\..*|node_modules|dist|cdk\.out|coverage|docs)$/;

/**
 * The source files of the project in its folders, as paths from the root.
 *
 * @param name matches the names of the files, for example `/\.ts$/`
 */
export function sourceFiles(name: RegExp): string[] {
  const folders = readdirSync(ROOT, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && !NO_SOURCE.test(entry.name),
  );
  return folders
    .flatMap((folder) => readdirSync(join(ROOT, folder.name), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && name.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
}

export function isTest(file: string): boolean {
  return file.startsWith('test/');
}
