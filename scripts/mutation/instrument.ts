import { type Expression, parseSync, type Span, type Statement } from '@swc/core';
import { type Change, mutationsOf, type Place } from './mutators.ts';

/** One change of one place in the source. `line` counts from 1. */
export interface Mutant {
  readonly id: number;
  readonly file: string;
  readonly line: number;
  readonly mutator: string;
  /** The source line before and after, for the report. */
  readonly before: string;
  readonly after: string;
}

export interface Instrumented {
  readonly text: string;
  readonly mutants: readonly Mutant[];
}

/** A node of swc's tree, or one of the records without a type of their own that hold nodes (an argument, an element). */
type Tree = { readonly type?: string; readonly span?: Span } & Readonly<Record<string, unknown>>;
type Spanned = Tree & { readonly type: string; readonly span: Span };

/** Every file reads its own switch, so that a process without mutants (a child of a test) runs the original. */
const SWITCH = 'const __mutant = globalThis.__tierplaneMutant ?? (() => false);';
const SKIPPED_KEYS = new Set(['typeAnnotation', 'typeParameters', 'typeArguments', 'typeParams', 'returnType', 'span']);
const SKIPPED_TYPES = new Set(['ImportDeclaration', 'ExportAllDeclaration', 'ExportNamedDeclaration', 'Import']);
const TYPED_EXPRESSIONS = new Set([
  'TsAsExpression',
  'TsNonNullExpression',
  'TsSatisfiesExpression',
  'TsConstAssertion',
]);
const EFFECTS = new Set(['CallExpression', 'AwaitExpression', 'AssignmentExpression', 'OptionalChainingExpression']);
const LOGS = /^(?:\w+\.)?(?:log|logger)[.?]/;
const PROSE_KEYS = new Set(['description', 'summary', 'title', 'message']);

/**
 * Puts every mutation of a file into its text, behind a switch: `a < b` becomes `(__mutant(7) ? (a <= b) : (a < b))`. One
 * copy of the text serves all mutants. Ids count up from `firstId`.
 */
export function instrument(file: string, source: string, firstId = 0): Instrumented {
  // swc counts bytes from 1; in this text every character is one byte.
  const bytes = Buffer.from(source).toString('latin1');
  const renderer = new Renderer(file, bytes, firstId);
  const program = parseSync(source, { syntax: 'typescript', target: 'es2024' });
  const text = renderer.renderWithin(asTree(program.body), 0, bytes.length);
  return { text: `${SWITCH} ${Buffer.from(text, 'latin1').toString()}`, mutants: renderer.mutants };
}

class Renderer {
  readonly mutants: Mutant[] = [];
  readonly #file: string;
  readonly #bytes: string;
  readonly #firstId: number;

  constructor(file: string, bytes: string, firstId: number) {
    this.#file = file;
    this.#bytes = bytes;
    this.#firstId = firstId;
  }

  /** The text from `start` to `end`, with the nodes found below `tree` rendered in their places. */
  renderWithin(tree: Tree, start: number, end: number, place: Place = {}): string {
    const children = childrenOf(tree, place);
    let text = '';
    let at = start;
    for (const child of children.sort((a, b) => a.node.span.start - b.node.span.start)) {
      const from = child.node.span.start - 1;
      if (from < at) continue;
      text += this.#bytes.slice(at, from) + this.#render(child.node, child.place);
      at = child.node.span.end - 1;
    }
    return text + this.#bytes.slice(at, end);
  }

  #render(node: Spanned, place: Place): string {
    const start = node.span.start - 1;
    const end = node.span.end - 1;
    const inner = { prose: place.prose || isProse(node, this.#textOf(node)) };
    if (node.type === 'OptionalChainingExpression') return this.#renderChain(node, place);
    const changes = mutationsOf(node as unknown as Expression, inner.prose ? { ...place, prose: true } : place, (one) =>
      this.#textOf(one as Spanned),
    );
    const rendered = this.renderWithin(node, start, end, inner);
    if (node.type === 'ExpressionStatement') return this.#removable(node as unknown as Statement, rendered);
    return this.#switched(node, changes, rendered);
  }

  /** Links of an optional chain are not wrapped one by one: that would end the chain's short circuit. */
  #renderChain(node: Spanned, place: Place): string {
    const start = node.span.start - 1;
    const end = node.span.end - 1;
    const changes: Change[] = mutationsOf({ type: 'Invalid', span: node.span }, place, (one) =>
      this.#textOf(one as Spanned),
    );
    for (const before of optionalLinksOf(node)) {
      const at = this.#bytes.indexOf('?.', before - 1);
      const next = this.#bytes[at + 2] ?? '';
      const dot = next === '(' || next === '[' ? '' : '.';
      const text = this.#bytes.slice(start, at) + dot + this.#bytes.slice(at + 2, end);
      changes.push({ mutator: 'optional chain', text });
    }
    let rendered = '';
    let at = start;
    for (const part of partsOf(node).sort((a, b) => a.span.start - b.span.start)) {
      rendered += this.#bytes.slice(at, part.span.start - 1) + this.#render(part, { prose: place.prose ?? false });
      at = part.span.end - 1;
    }
    return this.#switched(node, changes, rendered + this.#bytes.slice(at, end));
  }

  #switched(node: Spanned, changes: readonly Change[], rendered: string): string {
    if (changes.length === 0) return rendered;
    const cases = changes.map((change) => `__mutant(${this.#add(node, change)})?(${change.text}):`);
    return `(${cases.join('')}(${rendered}))`;
  }

  #removable(statement: Statement, rendered: string): string {
    if (statement.type !== 'ExpressionStatement' || !EFFECTS.has(statement.expression.type)) return rendered;
    const text = this.#textOf(statement);
    if (text.startsWith('super(') || LOGS.test(text)) return rendered;
    const id = this.#add(statement as unknown as Spanned, { mutator: 'statement', text: '' });
    // The outer braces keep a following `else` with the `if` it belongs to.
    return `{if(!__mutant(${id})){${rendered}}}`;
  }

  #add(node: Spanned, { mutator, text }: Change): number {
    const id = this.#firstId + this.mutants.length;
    const start = node.span.start - 1;
    const end = node.span.end - 1;
    const lineStart = this.#bytes.lastIndexOf('\n', start - 1) + 1;
    const lineEnd = this.#bytes.indexOf('\n', end);
    const line = this.#bytes.slice(0, start).split('\n').length;
    const before = this.#bytes.slice(lineStart, lineEnd === -1 ? undefined : lineEnd);
    const after =
      this.#bytes.slice(lineStart, start) + text + this.#bytes.slice(end, lineEnd === -1 ? undefined : lineEnd);
    this.mutants.push({ id, file: this.#file, line, mutator, before: oneLine(before), after: oneLine(after) });
    return id;
  }

  #textOf({ span }: { span: { start: number; end: number } }): string {
    return this.#bytes.slice(span.start - 1, span.end - 1);
  }
}

function oneLine(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString().replaceAll(/\s+/g, ' ').trim();
}

interface Child {
  readonly node: Spanned;
  readonly place: Place;
}

/** The nodes directly below `tree`, each with its place; records without a span are looked through. */
function childrenOf(tree: Tree, place: Place): Child[] {
  return Object.entries(tree).flatMap(([key, value]) => {
    if (SKIPPED_KEYS.has(key) || isFixed(tree, key)) return [];
    return nodesIn(value, placeOf(tree, key, place), place);
  });
}

function nodesIn(value: unknown, here: Place, place: Place): Child[] {
  if (Array.isArray(value)) return value.flatMap((one) => nodesIn(one, here, place));
  if (value === null || typeof value !== 'object') return [];
  const tree = value as Tree;
  if (typeof tree.type !== 'string' || tree.span === undefined) return childrenOf(tree, place);
  if (SKIPPED_TYPES.has(tree.type) || (tree.type.startsWith('Ts') && !TYPED_EXPRESSIONS.has(tree.type))) return [];
  return [{ node: tree as Spanned, place: here }];
}

/** Places where the text must stay as it is: keys, targets of assignments, tagged templates, directives. */
function isFixed(tree: Tree, key: string): boolean {
  switch (tree.type) {
    case 'KeyValueProperty':
    case 'ClassMethod':
    case 'ClassProperty':
    case 'MethodProperty':
    case 'GetterProperty':
    case 'SetterProperty':
    case 'KeyValuePatternProperty':
      return key === 'key' && (tree.key as Tree).type !== 'Computed';
    case 'AssignmentExpression':
    case 'ForOfStatement':
    case 'ForInStatement':
      return key === 'left';
    case 'UpdateExpression':
      return key === 'argument';
    case 'UnaryExpression':
      return tree.operator === 'delete' || tree.operator === 'typeof';
    case 'TaggedTemplateExpression':
      return key === 'template';
    case 'ExpressionStatement':
      return (tree.expression as Tree).type === 'StringLiteral';
    case 'CallExpression':
      return (tree.callee as Tree).type === 'Import';
    case 'BinaryExpression':
      return isTypeof(tree.left as Tree) && key === 'right';
    default:
      return false;
  }
}

function isTypeof(node: Tree): boolean {
  return node.type === 'UnaryExpression' && node.operator === 'typeof';
}

function placeOf(tree: Tree, key: string, { prose = false }: Place): Place {
  if (key === 'test') {
    if (tree.type === 'IfStatement' || tree.type === 'ConditionalExpression') return { prose, condition: 'branch' };
    if (/^(?:Do)?While|^For/.test(tree.type ?? '')) return { prose, condition: 'loop' };
  }
  if (tree.type === 'ReturnStatement' && key === 'argument') return { prose, returned: true };
  if (tree.type === 'ArrowFunctionExpression' && key === 'body') return { prose, returned: !hasStatements(tree.body) };
  return { prose };
}

function hasStatements(body: unknown): boolean {
  return (body as Tree).stmts !== undefined;
}

/** Text for readers: messages of errors and logs, descriptions. How it is put is not what the tests are about. */
function isProse(node: Spanned, text: string): boolean {
  switch (node.type) {
    case 'ThrowStatement':
      return true;
    case 'NewExpression':
      return /^new \w*Error\(/.test(text);
    case 'CallExpression':
      return LOGS.test(text) || /\.(?:describe|meta)\([^()]*\)$/.test(text);
    case 'KeyValueProperty':
      return PROSE_KEYS.has(String((node.key as Tree).value));
    default:
      return false;
  }
}

/** The ends of the expressions in a chain that a `?.` follows, the outermost first (swc's positions). */
function optionalLinksOf(node: Tree): number[] {
  const ends: number[] = [];
  for (let at: Tree | undefined = node; at !== undefined; at = inwards(at)) {
    const before = at.type === 'OptionalChainingExpression' && at.optional ? inwards(at.base as Tree) : undefined;
    if (before?.span) ends.push(before.span.end);
  }
  return ends;
}

/** The expressions inside a chain that are no links: the object it starts at, arguments, computed keys. */
function partsOf(node: Tree): Spanned[] {
  const parts: Spanned[] = [];
  let at: Tree = node;
  for (let next = inwards(at); next !== undefined; next = inwards(at)) {
    const { arguments: args, property } = at as { arguments?: unknown; property?: unknown };
    if (at.type === 'CallExpression') parts.push(...nodesIn(args, {}, {}).map((child) => child.node));
    if ((property as Tree | undefined)?.type === 'Computed') {
      parts.push(...nodesIn((property as Tree).expression, {}, {}).map((child) => child.node));
    }
    at = next;
  }
  if (typeof at.type === 'string' && at.span) parts.push(at as Spanned);
  return parts;
}

function inwards(node: Tree): Tree | undefined {
  if (node.type === 'OptionalChainingExpression') return node.base as Tree;
  if (node.type === 'CallExpression') return node.callee as Tree;
  if (node.type === 'MemberExpression') return node.object as Tree;
  if (node.type === 'TsNonNullExpression') return node.expression as Tree;
  return undefined;
}

function asTree(value: unknown): Tree {
  return { nodes: value };
}
