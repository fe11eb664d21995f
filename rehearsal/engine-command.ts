import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EmulatedAccount } from './emulated-account.ts';

/**
 * PATH for scripts that build images for the account. With an engine of the account's own, `podman` is a program in the
 * account's folder, which addresses that engine.
 */
export function pathWithEngine({ directory, engine }: EmulatedAccount): string {
  const { PATH = '' } = process.env;
  if (!engine?.command) return PATH;
  const { options, variables } = engine.command;
  const folder = join(directory, 'bin');
  mkdirSync(folder, { recursive: true });
  const exports = Object.entries({ ...variables, PATH }).map(([name, value]) => `export ${name}=${quoted(value)}`);
  const script = ['#!/bin/sh', ...exports, `exec podman ${options.map(quoted).join(' ')} "$@"`, ''];
  writeFileSync(join(folder, 'podman'), script.join('\n'), { mode: 0o755 });
  return `${folder}:${PATH}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
