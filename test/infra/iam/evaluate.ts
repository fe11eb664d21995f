import { holds, withVariables } from './conditions.ts';
import { type Call, listOf, matchesPattern, type PolicyDocument, type PolicyStatement } from './policy.ts';

/** What limits a role. */
export interface RoleRights {
  /** The policies that are attached to the role, or written into it. */
  readonly policies: readonly PolicyDocument[];
  /** What the role can be allowed at most. @default - no limit */
  readonly boundary?: PolicyDocument;
}

/** Who assumes a role. */
export type Caller = { readonly service: string } | { readonly arn: string };

/**
 * Whether a role may make a call: a policy allows it, the boundary allows it, too, and none of them denies it.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
export function mayCall({ policies, boundary }: RoleRights, call: Call): boolean {
  const all = boundary ? [...policies, boundary] : policies;
  if (all.some((policy) => has('Deny', policy, call))) return false;
  return policies.some((policy) => has('Allow', policy, call)) && (!boundary || has('Allow', boundary, call));
}

/** Whether a role's trust policy admits the caller. @param action `sts:AssumeRole` or `sts:TagSession` */
export function mayAssume(
  trust: PolicyDocument,
  caller: Caller,
  action: string,
  context: NonNullable<Call['context']> = {},
): boolean {
  const call: Call = { action, resource: '', context };
  const matching = listOf(trust.Statement).filter(
    (statement) => isPrincipal(statement, caller) && matchesAction(statement, call) && holds(statement.Condition, call),
  );
  return matching.some(({ Effect }) => Effect === 'Allow') && matching.every(({ Effect }) => Effect !== 'Deny');
}

function has(effect: 'Allow' | 'Deny', policy: PolicyDocument, call: Call): boolean {
  return listOf(policy.Statement).some(
    (statement) =>
      statement.Effect === effect &&
      matchesAction(statement, call) &&
      matchesResource(statement, call) &&
      holds(statement.Condition, call),
  );
}

/** IAM does not distinguish upper and lower case in actions. */
function matchesAction({ Action, NotAction }: PolicyStatement, { action }: Call): boolean {
  const isOneOf = (patterns: readonly string[]): boolean =>
    patterns.some((pattern) => matchesPattern(pattern.toLowerCase(), action.toLowerCase()));
  return NotAction === undefined ? isOneOf(listOf(Action)) : !isOneOf(listOf(NotAction));
}

function matchesResource({ Resource, NotResource }: PolicyStatement, { resource, context = {} }: Call): boolean {
  const values = new Map(Object.entries(context).map(([key, value]) => [key.toLowerCase(), listOf(value)]));
  const isOneOf = (patterns: readonly string[]): boolean =>
    patterns.some((pattern) => {
      const text = withVariables(pattern, values);
      return text !== undefined && matchesPattern(text, resource);
    });
  return NotResource === undefined ? isOneOf(listOf(Resource)) : !isOneOf(listOf(NotResource));
}

function isPrincipal({ Principal }: PolicyStatement, caller: Caller): boolean {
  if (Principal === '*') return true;
  const [kind, name] = 'service' in caller ? ['Service', caller.service] : ['AWS', caller.arn];
  return listOf(Principal?.[kind]).some((principal) => principal === '*' || principal === name);
}
