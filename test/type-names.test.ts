import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { sourceFiles } from './support/source-files.ts';

const ROOT = join(import.meta.dirname, '..');
/** Names that every file knows without an import: those of Node, of browsers and of TypeScript. */
const GLOBALS = new Set([
  ...Object.getOwnPropertyNames(globalThis),
  ...['Document', 'Element', 'Event', 'Node', 'Request', 'Response', 'Window'],
  ...['Awaited', 'Exclude', 'Extract', 'NonNullable', 'Omit', 'Parameters', 'Partial', 'Pick', 'Readonly', 'Record'],
  ...['Required', 'ReturnType'],
]);
const DECLARED = /^\s*(?:export )?(?:abstract )?(?:interface|type|class|enum) (\w+)\b(?! as\b|,)/gm;

test('no type has the name of a global one, which a reader would take it for', () => {
  const types = sourceFiles(/\.ts$/).flatMap((file) =>
    [...readFileSync(join(ROOT, file), 'utf8').matchAll(DECLARED)].map(([, name = '']) => ({ file, name })),
  );
  expect(types.length).toBeGreaterThan(500);
  expect(types.filter(({ name }) => GLOBALS.has(name))).toEqual([]);
});
