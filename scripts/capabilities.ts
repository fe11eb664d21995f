import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from '@swc/core';

/**
 * `npm run docs:capabilities`: writes the names of the test files that prove each capability into docs/capabilities.md.
 * A test uses the same functions to check that the document is up to date.
 */
const ROOT = join(import.meta.dirname, '..');
const DOCUMENT = join(ROOT, 'docs', 'capabilities.md');
const ID = /\b(?:ON|TI|RT|ID|BI|DE|OB|SE|UI|DX)-\d+(?:\.\d+)?\b/g;
const ROW = /^\| (\S+) \| (.*) \| (.*)\|$/;

/** The name of a test or of a group of tests, as it stands in the source. */
export interface TestName {
  readonly file: string;
  readonly name: string;
}

export function testNames(): TestName[] {
  const files = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join('test', file))
    .sort();
  return files.flatMap((file) => namesIn(readFileSync(join(ROOT, file), 'utf8')).map((name) => ({ file, name })));
}

/** The names in one source text: the first arguments of `test`, `describe`, their variants, and functions named so. */
export function namesIn(source: string): string[] {
  const names: string[] = [];
  const visit = (node: unknown): void => {
    if (node === null || typeof node !== 'object') return;
    const { type, callee, arguments: args } = node as { type?: string; callee?: unknown; arguments?: unknown };
    if (type === 'CallExpression' && /^(?:test|describe)/.test(rootOf(callee)) && Array.isArray(args)) {
      const name = textOf(args[0]?.expression);
      if (name !== undefined) names.push(name);
    }
    for (const child of Object.values(node)) visit(child);
  };
  visit(parseSync(source, { syntax: 'typescript', target: 'es2024' }).body);
  return names;
}

function rootOf(callee: unknown): string {
  const { type, value, object, callee: inner } = callee as Record<string, unknown>;
  if (type === 'Identifier') return String(value);
  if (type === 'MemberExpression') return rootOf(object);
  return type === 'CallExpression' ? rootOf(inner) : '';
}

function textOf(expression: unknown): string | undefined {
  const { type, value, quasis } = (expression ?? {}) as { type?: string; value?: string; quasis?: { raw: string }[] };
  if (type === 'StringLiteral') return value;
  return type === 'TemplateLiteral' ? quasis?.map(({ raw }) => raw).join('…') : undefined;
}

/** The ids in a name: `SE-1.2` in `SE-1.2: a token of another issuer is refused`. */
export function idsIn(name: string): string[] {
  return name.match(ID) ?? [];
}

/** The ids that the document defines, in its order. */
export function definedIds(document = readFileSync(DOCUMENT, 'utf8')): string[] {
  return document.split('\n').flatMap((line) => idsIn(ROW.exec(line)?.[1] ?? ''));
}

export function currentDocument(): string {
  return readFileSync(DOCUMENT, 'utf8');
}

/** The document with its last column filled in from the names of the tests. */
export function withTests(document: string, names: readonly TestName[]): string {
  const filesOf = Map.groupBy(
    names.flatMap(({ file, name }) => idsIn(name).map((id) => ({ id, file }))),
    ({ id }) => id,
  );
  const fill = (line: string): string => {
    const [, id = '', meaning = ''] = ROW.exec(line) ?? [];
    if (idsIn(id).length === 0) return line;
    const files = new Set(filesOf.get(id)?.map(({ file }) => `\`${file.replace(/^test\//, '')}\``));
    return `| ${id} | ${meaning} | ${[...files].sort().join('<br>')} |`;
  };
  return document.split('\n').map(fill).join('\n');
}

if (import.meta.main) writeFileSync(DOCUMENT, withTests(currentDocument(), testNames()));
