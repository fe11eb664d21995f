import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseSync, type Span } from '@swc/core';
import { percentile } from '../bench/figure.ts';
import { isTest, sourceFiles } from './support/source-files.ts';

/** Checks the sizes that CONTRIBUTING.md names. */
const ROOT = join(import.meta.dirname, '..');
const MAX_FILE_LINES = 320;
/** The 95th percentile; a longer function is fine where its story is linear. */
const P95_FUNCTION_LINES = 27;

type SyntaxNode = { readonly type?: string; readonly span?: Span } & Readonly<Record<string, unknown>>;

const FUNCTION =
  /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression|Constructor|\w*Method|MethodProperty|(Get|Set)terProperty)$/;

/** The number of lines of every function that has statements; an arrow function of one expression is not counted. */
function functionLengths(source: string): number[] {
  // swc's positions count bytes from 1; in this text every character is one byte.
  const bytes = Buffer.from(source).toString('latin1');
  const lengths: number[] = [];
  const visit = (value: unknown): void => {
    if (value === null || typeof value !== 'object') return;
    const node = value as SyntaxNode;
    if (node.span && FUNCTION.test(node.type ?? '') && hasStatements(node)) {
      lengths.push(bytes.slice(node.span.start - 1, node.span.end - 1).split('\n').length);
    }
    for (const child of Object.values(node)) visit(child);
  };
  visit(parseSync(source, { syntax: 'typescript', target: 'es2024' }).body);
  return lengths;
}

function hasStatements(node: SyntaxNode): boolean {
  const { body } = (node.function ?? node) as { readonly body?: { readonly stmts?: unknown } | null };
  return body?.stmts !== undefined;
}

const FILES = sourceFiles(/\.(ts|js|sh|py|css)$/).map((path) => ({
  path,
  text: readFileSync(join(ROOT, path), 'utf8'),
}));

describe('the sizes in the project', () => {
  test(`no file of source or tests has more than ${MAX_FILE_LINES} lines`, () => {
    expect(FILES.length).toBeGreaterThan(500);
    const long = FILES.map(({ path, text }) => [path, text.split('\n').length - 1] as const);
    expect(long.filter(([, lines]) => lines > MAX_FILE_LINES)).toEqual([]);
  });

  test(`95 % of the functions in the source have at most ${P95_FUNCTION_LINES} lines`, () => {
    const lengths = FILES.filter(({ path }) => path.endsWith('.ts') && !isTest(path)).flatMap(({ text }) =>
      functionLengths(text),
    );
    expect(lengths.length).toBeGreaterThan(2_000);
    expect(percentile(lengths, 0.95)).toBeLessThanOrEqual(P95_FUNCTION_LINES);
  });

  test('the length of a function is counted from its first to its last line, and of what it contains as well', () => {
    const text = `const one = () => 1;
function outer(ü) {
  return [1].map((x) => {
    return x;
  });
}
class A {
  constructor() {
  }
  #m() { return 'ü'; }
}
abstract class B { abstract none(): void; }
`;
    expect(functionLengths(text).sort()).toEqual([1, 2, 3, 5]);
  });
});
