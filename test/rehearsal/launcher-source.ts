import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, '../../rehearsal/emulator');

/** The source files of the launcher, by name. */
export function launcherSource(): ReadonlyMap<string, string> {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.py'));
  return new Map(names.map((name) => [name, readFileSync(join(FOLDER, name), 'utf8')]));
}

/** The resource types that the launcher records without effect, in alphabetical order. */
export function recordedTypes(): string[] {
  const source = launcherSource().get('recorded_types.py') ?? '';
  return [...source.matchAll(/^ {4}"(AWS::[\w:]+)": \(/gm)].map(([, type = '']) => type).sort();
}
