import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { instrument, type Mutant } from './instrument.ts';

/** A copy of the project's files with the mutants in it. The tests run there, so that nothing is written into the tree. */
export interface WorkingCopy {
  readonly folder: string;
  readonly mutants: readonly Mutant[];
  remove(): void;
}

/** Copies what git tracks or would track, links node_modules, and puts the mutants of `files` in. */
export function makeWorkingCopy(root: string, files: readonly string[]): WorkingCopy {
  const folder = mkdtempSync(join(tmpdir(), 'tp-mutate-'));
  try {
    for (const file of gitFiles(root, [])) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      cpSync(join(root, file), join(folder, file));
    }
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    mkdirSync(join(folder, 't'));
    const mutants: Mutant[] = [];
    for (const file of files) {
      const { text, mutants: found } = instrument(file, readFileSync(join(root, file), 'utf8'), mutants.length);
      writeFileSync(join(folder, file), text);
      mutants.push(...found);
    }
    return { folder, mutants, remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }) };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Files below `paths` that git tracks, or that are new and not ignored. */
export function gitFiles(root: string, paths: readonly string[]): string[] {
  const names = git(root, ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', ...paths]).split('\0');
  const deleted = new Set(git(root, ['ls-files', '-z', '--deleted']).split('\0'));
  return [...new Set(names)].filter((name) => name !== '' && !deleted.has(name)).sort();
}

/** The lines of each file that changed since a revision. */
export function changedLines(root: string, revision: string): ReadonlyMap<string, ReadonlySet<number>> {
  const lines = new Map<string, Set<number>>();
  let file = '';
  for (const line of git(root, ['diff', '--unified=0', '--no-color', '--no-ext-diff', revision, '--']).split('\n')) {
    file = /^\+\+\+ b\/(.*)$/.exec(line)?.[1] ?? file;
    const [, first, count] = /^@@ -\S+ \+(\d+)(?:,(\d+))? @@/.exec(line) ?? [];
    const added = Array.from({ length: first === undefined ? 0 : Number(count ?? 1) }, (_, at) => Number(first) + at);
    if (added.length > 0) lines.set(file, new Set([...(lines.get(file) ?? []), ...added]));
  }
  return lines;
}

function git(root: string, args: readonly string[]): string {
  return execFileSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
}

const IMPORT = /^\s*(?:import|export)\s[^'"]*?from\s+'(\.[^']+)'|^\s*import\s+'(\.[^']+)'|\bimport\('(\.[^']+)'\)/gm;

/** The test files that import a file, directly or through others, each with its distance: 1 for a direct import. */
export type RelatedTests = (file: string) => ReadonlyMap<string, number>;

export function relatedTests(
  root: string,
  {
    excluded = [],
    maxDistance = Number.POSITIVE_INFINITY,
  }: { readonly excluded?: readonly string[]; readonly maxDistance?: number } = {},
): RelatedTests {
  const importers = new Map<string, string[]>();
  for (const file of gitFiles(root, ['*.ts'])) {
    for (const [, from, bare, dynamic] of readFileSync(join(root, file), 'utf8').matchAll(IMPORT)) {
      const target = relative(root, join(root, dirname(file), from ?? bare ?? dynamic ?? ''));
      importers.set(target, [...(importers.get(target) ?? []), file]);
    }
  }
  const isUsed = (file: string) => file.endsWith('.test.ts') && !excluded.some((at) => file.startsWith(`${at}/`));
  return (start) => {
    const distances = new Map([[start, 0]]);
    for (const [file, distance] of distances) {
      for (const importer of importers.get(file) ?? []) {
        if (!distances.has(importer)) distances.set(importer, distance + 1);
      }
    }
    return new Map([...distances].filter(([file, distance]) => distance <= maxDistance && isUsed(file)));
  };
}

/** Files below the temporary folder of the copy take room while the tests run. */
export function emptyTemporaryFolder({ folder }: WorkingCopy): void {
  for (const name of readdirSync(join(folder, 't'))) rmSync(join(folder, 't', name), { recursive: true, force: true });
}
