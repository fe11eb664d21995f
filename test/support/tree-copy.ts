import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');
/** What a copy leaves out: what is built, installed or created by use. */
const LEFT_OUT = new Set(['node_modules', 'dist', '.git', '.tierplane', 'coverage'].map((name) => join(ROOT, name)));

export interface TreeCopy {
  readonly path: string;
  remove(): void;
}

/** A copy of the work tree that a test may change. @param options.packages whether it has the same packages, by default true */
export function copyOfTree({ packages = true } = {}): TreeCopy {
  const path = mkdtempSync(join(tmpdir(), 'tp-tree-'));
  cpSync(ROOT, path, { recursive: true, filter: (source) => !LEFT_OUT.has(source) });
  if (packages) symlinkSync(join(ROOT, 'node_modules'), join(path, 'node_modules'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
