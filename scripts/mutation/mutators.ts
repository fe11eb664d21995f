import type { BinaryExpression, CallExpression, Expression, RegExpLiteral, TemplateLiteral } from '@swc/core';

/** What stands around an expression and decides which of its mutations are worth a run. */
export interface Place {
  /** The expression decides a branch, a loop, or nothing. */
  readonly condition?: 'branch' | 'loop';
  /** The expression is a function's return value. */
  readonly returned?: boolean;
  /** The expression is the text of an error, a log line or a description. Only error codes are mutated there. */
  readonly prose?: boolean;
}

/** One change: the name of the rule and the text that takes the expression's place. */
export interface Change {
  readonly mutator: string;
  readonly text: string;
}

/** The source text of a node. */
export type TextOf = (node: Expression) => string;

const EQUALITY: ReadonlyMap<string, string> = new Map(
  Object.entries({ '===': '!==', '!==': '===', '==': '!=', '!=': '==' }),
);
/** The first is the boundary; the second is the opposite direction. */
const ORDER: ReadonlyMap<string, readonly [string, string]> = new Map(
  Object.entries<readonly [string, string]>({
    '<': ['<=', '>='],
    '<=': ['<', '>'],
    '>': ['>=', '<='],
    '>=': ['>', '<'],
  }),
);
const ARITHMETIC: ReadonlyMap<string, string> = new Map(
  Object.entries({ '+': '-', '-': '+', '*': '/', '/': '*', '%': '*' }),
);
const ASSIGNMENT: ReadonlyMap<string, string> = new Map(
  Object.entries({ '+=': '-=', '-=': '+=', '*=': '/=', '/=': '*=' }),
);
const METHODS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    some: 'every',
    every: 'some',
    startsWith: 'endsWith',
    endsWith: 'startsWith',
    toLowerCase: 'toUpperCase',
    toUpperCase: 'toLowerCase',
    ceil: 'floor',
    floor: 'ceil',
  }),
);
const MATH: ReadonlyMap<string, string> = new Map(Object.entries({ min: 'max', max: 'min' }));
/** Calls that can be left out of a chain: the object takes the place of the result. */
const DROPPED = new Set(['filter', 'sort', 'toSorted', 'reverse', 'trim', 'slice', 'regex', 'strict', 'refine', 'int']);
const CODE = /^[A-Z][A-Z0-9_]+$/;

/** The mutations of one expression. An expression that has none yields an empty list. */
export function mutationsOf(node: Expression, place: Place, text: TextOf): Change[] {
  return [...conditionChanges(place), ...returnChanges(node, place), ...ownChanges(node, place, text)];
}

function conditionChanges({ condition }: Place): Change[] {
  if (condition === undefined) return [];
  const never = { mutator: 'condition', text: 'false' };
  // A loop whose condition always holds never ends, which any test notices.
  return condition === 'loop' ? [never] : [{ mutator: 'condition', text: 'true' }, never];
}

function returnChanges(node: Expression, { returned }: Place): Change[] {
  if (returned !== true || hasStrongerChanges(node)) return [];
  return [{ mutator: 'return value', text: 'undefined' }];
}

/** Comparisons and boolean literals have changes of their own that are harder to notice than a missing value. */
function hasStrongerChanges(node: Expression): boolean {
  switch (node.type) {
    case 'BooleanLiteral':
    case 'NullLiteral':
      return true;
    case 'Identifier':
      return node.value === 'undefined';
    case 'UnaryExpression':
      return node.operator === '!' || node.operator === 'void';
    case 'BinaryExpression':
      return EQUALITY.has(node.operator) || ORDER.has(node.operator);
    case 'ParenthesisExpression':
      return hasStrongerChanges(node.expression);
    default:
      return false;
  }
}

function ownChanges(node: Expression, place: Place, text: TextOf): Change[] {
  switch (node.type) {
    case 'BinaryExpression':
      return binaryChanges(node, place, text);
    case 'UnaryExpression':
      if (node.operator === '!' && place.condition === undefined) {
        return [{ mutator: 'negation', text: text(node.argument) }];
      }
      return node.operator === '-' ? [{ mutator: 'sign', text: text(node.argument) }] : [];
    case 'AssignmentExpression': {
      const operator = ASSIGNMENT.get(node.operator);
      if (operator === undefined) return [];
      return [{ mutator: 'assignment', text: text(node).replace(node.operator, operator) }];
    }
    case 'BooleanLiteral':
      return place.condition ? [] : [{ mutator: 'boolean', text: String(!node.value) }];
    case 'StringLiteral':
      if (place.prose && !CODE.test(node.value)) return [];
      return [{ mutator: 'string', text: node.value === '' ? '"mutated"' : '""' }];
    case 'TemplateLiteral':
      return place.prose || isBlank(node) ? [] : [{ mutator: 'string', text: '``' }];
    case 'RegExpLiteral':
      return anchorChanges(node);
    case 'ArrayExpression':
      return node.elements.length > 0 ? [{ mutator: 'array', text: '[]' }] : [];
    case 'CallExpression':
      return callChanges(node, text);
    default:
      return [];
  }
}

function isBlank(node: TemplateLiteral): boolean {
  return node.expressions.length === 0 && node.quasis.every(({ raw }) => raw.trim() === '');
}

function binaryChanges(node: BinaryExpression, place: Place, text: TextOf): Change[] {
  const { operator } = node;
  const left = text(node.left);
  const right = text(node.right);
  const order = ORDER.get(operator);
  if (order) {
    const [boundary, opposite] = order;
    const changes = [{ mutator: 'boundary', text: `${left} ${boundary} ${right}` }];
    if (!place.condition) changes.push({ mutator: 'comparison', text: `${left} ${opposite} ${right}` });
    return changes;
  }
  const equality = EQUALITY.get(operator);
  if (equality) {
    if (place.condition || isTypeTest(node)) return [];
    return [{ mutator: 'equality', text: `${left} ${equality} ${right}` }];
  }
  if (operator === '&&' || operator === '||' || operator === '??') {
    return [
      { mutator: `left of ${operator}`, text: left },
      { mutator: `right of ${operator}`, text: right },
    ];
  }
  const arithmetic = ARITHMETIC.get(operator);
  if (arithmetic === undefined || (operator === '+' && (isText(node.left) || isText(node.right)))) return [];
  return [{ mutator: 'arithmetic', text: `${left} ${arithmetic} ${right}` }];
}

function isTypeTest(node: BinaryExpression): boolean {
  return node.left.type === 'UnaryExpression' && node.left.operator === 'typeof' && node.right.type !== 'StringLiteral';
}

function isText(node: Expression): boolean {
  if (node.type === 'BinaryExpression') return node.operator === '+' && (isText(node.left) || isText(node.right));
  return node.type === 'StringLiteral' || node.type === 'TemplateLiteral';
}

function anchorChanges({ pattern, flags }: RegExpLiteral): Change[] {
  const changes: Change[] = [];
  if (/^\^./.test(pattern)) changes.push({ mutator: 'anchor', text: `/${pattern.slice(1)}/${flags}` });
  if (/[^\\]\$$/.test(pattern)) changes.push({ mutator: 'anchor', text: `/${pattern.slice(0, -1)}/${flags}` });
  return changes;
}

function callChanges(node: CallExpression, text: TextOf): Change[] {
  const { callee } = node;
  if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier') return [];
  const name = callee.property.value;
  const whole = text(node);
  const object = text(callee.object);
  if (DROPPED.has(name)) return [{ mutator: `without .${name}()`, text: object }];
  const other = object === 'Math' ? (MATH.get(name) ?? METHODS.get(name)) : METHODS.get(name);
  if (other === undefined) return [];
  const at = text(callee).length;
  return [{ mutator: 'method', text: `${object}.${other}${whole.slice(at)}` }];
}
