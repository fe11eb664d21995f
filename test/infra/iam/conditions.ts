import { type Call, listOf, matchesPattern, type PolicyStatement } from './policy.ts';

type Compare = (expected: string, actual: string) => boolean;

const isEqual: Compare = (expected, actual) => expected === actual;
const ignoringCase: Compare = (expected, actual) => expected.toLowerCase() === actual.toLowerCase();
const OPERATORS: Readonly<Record<string, Compare>> = {
  StringEquals: isEqual,
  StringEqualsIgnoreCase: ignoringCase,
  StringLike: matchesPattern,
  ArnEquals: matchesPattern,
  ArnLike: matchesPattern,
  Bool: ignoringCase,
  NumericEquals: (expected, actual) => Number(actual) === Number(expected),
  NumericLessThanEquals: (expected, actual) => Number(actual) <= Number(expected),
};
/** An operator that holds when its opposite does not. */
const OPPOSITES: Readonly<Record<string, string>> = {
  StringNotEquals: 'StringEquals',
  StringNotLike: 'StringLike',
  ArnNotEquals: 'ArnEquals',
  ArnNotLike: 'ArnLike',
};
const VARIABLE = /\$\{([^}]+)\}/g;

/**
 * Whether all conditions of a statement hold for a call.
 * @throws Error for an operator that this evaluator does not know, so that no condition is passed over
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 */
export function holds(conditions: PolicyStatement['Condition'], call: Call): boolean {
  const values = contextOf(call);
  return Object.entries(conditions ?? {}).every(([operator, keys]) =>
    Object.entries(keys).every(([key, expected]) =>
      holdsFor(operator, listOf(expected), values.get(key.toLowerCase()), values),
    ),
  );
}

/** The keys of the call's context in lower case: IAM does not distinguish upper and lower case in them. */
function contextOf({ context = {} }: Call): Map<string, readonly string[]> {
  return new Map(Object.entries(context).map(([key, value]) => [key.toLowerCase(), listOf(value)]));
}

function holdsFor(
  operator: string,
  expected: readonly string[],
  actual: readonly string[] | undefined,
  values: ReadonlyMap<string, readonly string[]>,
): boolean {
  if (operator === 'Null') return expected.includes(String(actual === undefined));
  const [qualifier, withSuffix = ''] = operator.includes(':') ? operator.split(':') : [undefined, operator];
  const name = withSuffix.replace(/IfExists$/, '');
  if (actual === undefined && name !== withSuffix) return true;
  const opposite = OPPOSITES[name];
  const compare = OPERATORS[opposite ?? name];
  if (!compare) throw new Error(`this evaluator does not know the condition operator ${operator}`);
  const matchesOne = (value: string): boolean =>
    expected.some((pattern) => {
      const text = withVariables(pattern, values);
      return text !== undefined && compare(text, value);
    });
  const matches = (value: string): boolean => (opposite === undefined ? matchesOne(value) : !matchesOne(value));
  if (qualifier === 'ForAllValues') return (actual ?? []).every(matches);
  if (qualifier === 'ForAnyValue') return (actual ?? []).some(matches);
  if (actual === undefined) return opposite !== undefined;
  return opposite === undefined ? actual.some(matches) : actual.every(matches);
}

/**
 * The text with its policy variables replaced. In the worst case, which this evaluator assumes, `*` and `?` in a value that
 * a caller chose act as a pattern.
 * @returns undefined if the call has no value for a variable: then the text matches nothing
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
 */
export function withVariables(text: string, values: ReadonlyMap<string, readonly string[]>): string | undefined {
  let isComplete = true;
  const replaced = text.replace(VARIABLE, (_all, name: string) => {
    const value = values.get(name.toLowerCase());
    if (value?.length !== 1) isComplete = false;
    return value?.[0] ?? '';
  });
  return isComplete ? replaced : undefined;
}
