import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Copies a program with its shared libraries into the file tree of an image, each to its own path. Linux only. */
export function copyProgram(program: string, root: string, path = program): void {
  copyFile(program, join(root, path));
  for (const library of librariesOf(program)) copyFile(library, join(root, library));
}

/** Follows symbolic links: the copy is a file. */
export function copyFile(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
}

/** Absolute paths of the shared libraries of a program, with the dynamic loader. */
function librariesOf(program: string): string[] {
  const { status, stdout, stderr } = spawnSync('ldd', [program], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ldd must be able to read ${program}: ${stderr}`);
  return [...stdout.matchAll(/(?:=> |^\s+)(\/\S+) \(/gm)].map(([, path = '']) => path);
}
