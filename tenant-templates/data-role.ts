import { INDEXES } from '../core/ports/table.ts';
import { closedPartition } from '../core/tenant/closed.ts';
import { TENANT_TAG } from '../core/tenant/ids.ts';

/** A statement of an IAM policy. */
export interface Statement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Principal?: { readonly AWS: string } | { readonly Service: string };
  readonly Action: readonly string[];
  readonly Resource?: readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** IAM replaces it by the tag of the session. */
const OWN_TENANT = `\${aws:PrincipalTag/${TENANT_TAG}}`;
const LEADING_KEYS = 'dynamodb:LeadingKeys';
/** `ForAllValues` also holds for a request without keys, such as a scan of everything. This excludes those. */
const HAS_KEYS = { Null: { [LEADING_KEYS]: 'false' } };

/**
 * What a session of the data role may do: what the Table port needs, on the keys of the tenant in its tag, `<id>` and
 * `<id>#...`. It also may check, and not change, the mark of a tenant whose data is deleted (core/tenant/closed.ts).
 *
 * @param tableArn a table as `tableShape` defines it
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
 */
export function dataRolePolicy(tableArn: string): readonly Statement[] {
  return [
    {
      Effect: 'Allow',
      Action: ['GetItem', 'Query', 'PutItem', 'DeleteItem', 'ConditionCheckItem'].map((name) => `dynamodb:${name}`),
      Resource: [tableArn, ...INDEXES.map((index) => `${tableArn}/index/index-${index}`)],
      Condition: {
        'ForAllValues:StringLike': { [LEADING_KEYS]: [OWN_TENANT, `${OWN_TENANT}#*`] },
        ...HAS_KEYS,
      },
    },
    {
      Effect: 'Allow',
      Action: ['dynamodb:ConditionCheckItem'],
      Resource: [tableArn],
      Condition: { 'ForAllValues:StringEquals': { [LEADING_KEYS]: [closedPartition(OWN_TENANT)] }, ...HAS_KEYS },
    },
  ];
}

/**
 * Who may start a session of the data role: the role of the tasks, with the tenant's tag and no other.
 *
 * @param tenantId the only tenant that the tasks serve. @default - any tenant of the pool
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
 */
export function dataRoleTrust(taskRoleArn: string, tenantId?: string): readonly Statement[] {
  const tag = `aws:RequestTag/${TENANT_TAG}`;
  return [
    {
      Effect: 'Allow',
      Principal: { AWS: taskRoleArn },
      Action: ['sts:AssumeRole', 'sts:TagSession'],
      Condition: {
        'ForAllValues:StringEquals': { 'aws:TagKeys': [TENANT_TAG] },
        ...(tenantId === undefined ? { Null: { [tag]: 'false' } } : { StringEquals: { [tag]: tenantId } }),
      },
    },
  ];
}
