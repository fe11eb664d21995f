import { describe, expect, test } from '@jest/globals';
import { dataRolePolicy, dataRoleTrust } from '../../../tenant-templates/data-role.ts';
import { mayAssume, mayCall } from './evaluate.ts';
import type { Call, PolicyDocument, PolicyStatement } from './policy.ts';
import { DeployedTemplate } from './template.ts';

const TABLE = 'arn:aws:dynamodb:eu-central-1:111122223333:table/orders';

function allows(statement: Partial<PolicyStatement>, call: Partial<Call>): boolean {
  const policy = {
    Statement: [{ Effect: 'Allow', Action: 'dynamodb:GetItem', Resource: TABLE, ...statement }],
  } as const;
  return mayCall({ policies: [policy] }, { action: 'dynamodb:GetItem', resource: TABLE, ...call });
}

describe('the evaluator of IAM policies', () => {
  test('allows only what a statement names, and never what another one denies', () => {
    expect(allows({}, {})).toBe(true);
    expect(allows({}, { action: 'dynamodb:PutItem' })).toBe(false);
    expect(allows({}, { resource: `${TABLE}-2` })).toBe(false);
    expect(allows({ Action: 'dynamodb:Get*', Resource: `${TABLE}*` }, { resource: `${TABLE}-2` })).toBe(true);
    expect(allows({ Action: 'DYNAMODB:getitem' }, {})).toBe(true);
    const allow: PolicyStatement = { Effect: 'Allow', Action: '*', Resource: '*' };
    const deny: PolicyStatement = { Effect: 'Deny', NotAction: 'dynamodb:GetItem', Resource: '*' };
    const policies = [{ Statement: [allow, deny] }];
    expect(mayCall({ policies }, { action: 'dynamodb:GetItem', resource: TABLE })).toBe(true);
    expect(mayCall({ policies }, { action: 'dynamodb:Scan', resource: TABLE })).toBe(false);
  });

  test('allows at most what the boundary allows', () => {
    const policies = [{ Statement: { Effect: 'Allow', Action: 'dynamodb:*', Resource: '*' } }] as const;
    const boundary: PolicyDocument = { Statement: { Effect: 'Allow', Action: 'dynamodb:GetItem', Resource: TABLE } };
    expect(mayCall({ policies, boundary }, { action: 'dynamodb:GetItem', resource: TABLE })).toBe(true);
    expect(mayCall({ policies, boundary }, { action: 'dynamodb:Scan', resource: TABLE })).toBe(false);
    expect(mayCall({ policies: [], boundary }, { action: 'dynamodb:GetItem', resource: TABLE })).toBe(false);
  });

  test('reads condition operators as IAM does, absent keys and sets included', () => {
    const key = 'aws:RequestTag/tenantId';
    const check = (operator: string, expected: string | string[], actual?: string | string[]): boolean =>
      allows(
        { Condition: { [operator]: { [key]: expected } } },
        { context: actual === undefined ? {} : { [key]: actual } },
      );
    expect([
      check('StringEquals', ['a', 'b'], 'b'),
      check('StringEquals', 'a', 'A'),
      check('StringEquals', 'a'),
    ]).toEqual([true, false, false]);
    expect([
      check('StringNotEquals', ['a', 'b'], 'c'),
      check('StringNotEquals', 'a', 'a'),
      check('StringNotEquals', 'a'),
    ]).toEqual([true, false, true]);
    expect([check('StringLike', 'a*', 'abc'), check('StringLike', 'a?', 'abc')]).toEqual([true, false]);
    expect([check('StringEqualsIfExists', 'a'), check('StringEqualsIfExists', 'a', 'b')]).toEqual([true, false]);
    expect([check('Null', 'false', 'x'), check('Null', 'false'), check('Null', 'true')]).toEqual([true, false, true]);
    expect([
      check('ForAllValues:StringEquals', ['a', 'b'], ['a', 'b']),
      check('ForAllValues:StringEquals', 'a', ['a', 'b']),
    ]).toEqual([true, false]);
    expect([check('ForAllValues:StringEquals', 'a'), check('ForAnyValue:StringEquals', 'a')]).toEqual([true, false]);
    expect(check('ForAnyValue:StringEquals', 'a', ['a', 'b'])).toBe(true);
    expect([check('Bool', 'true', 'TRUE'), check('ArnLike', 'arn:aws:sns:*', 'arn:aws:sns:x')]).toEqual([true, true]);
    expect(() => check('IpAddress', '10.0.0.0/8', '10.1.1.1')).toThrow(
      /does not know the condition operator IpAddress/,
    );
  });

  test('compares keys without regard to case, and matches nothing with a variable that the call has no value for', () => {
    const own: Partial<PolicyStatement> = {
      Condition: { StringLike: { 'dynamodb:LeadingKeys': `\${aws:PrincipalTag/tenantId}#*` } },
    };
    const context = { 'DynamoDB:leadingkeys': 't1#a', 'aws:principaltag/tenantid': 't1' };
    expect(allows(own, { context })).toBe(true);
    expect(allows(own, { context: { 'dynamodb:LeadingKeys': '#a' } })).toBe(false);
    expect(allows({ Resource: `\${aws:PrincipalTag/table}` }, { context: { 'aws:PrincipalTag/table': TABLE } })).toBe(
      true,
    );
  });
});

describe('the reader of templates', () => {
  const template = new DeployedTemplate(
    {
      Parameters: { TenantId: {}, Tier: { Default: 'advanced' } },
      Conditions: { Own: { 'Fn::Equals': [{ Ref: 'Tier' }, 'premium'] } },
      Resources: {
        Table: { Type: 'AWS::DynamoDB::Table', Properties: { TableName: { 'Fn::Sub': `p-\${TenantId}-orders` } } },
        Cluster: { Type: 'AWS::ECS::Cluster', Condition: 'Own' },
        Limit: {
          Type: 'AWS::IAM::ManagedPolicy',
          Properties: { ManagedPolicyName: 'limit', PolicyDocument: { Statement: [] } },
        },
        Role: {
          Type: 'AWS::IAM::Role',
          Properties: {
            PermissionsBoundary: { Ref: 'Limit' },
            Path: { Ref: 'AWS::NoValue' },
            AssumeRolePolicyDocument: { Statement: [] },
          },
        },
        Policy: {
          Type: 'AWS::IAM::Policy',
          Properties: {
            Roles: [{ Ref: 'Role' }],
            PolicyDocument: {
              Statement: [
                {
                  Effect: 'Allow',
                  Action: 'dynamodb:GetItem',
                  Resource: [
                    { 'Fn::GetAtt': ['Table', 'Arn'] },
                    { 'Fn::Join': ['/', [{ 'Fn::GetAtt': 'Table.Arn' }, 'index', 'a']] },
                    { 'Fn::If': ['Own', 'yes', { Ref: 'AWS::NoValue' }] },
                  ],
                },
              ],
            },
          },
        },
      },
    },
    { stackName: 'stack', parameters: { TenantId: 't1' } },
  );

  test('replaces parameters, names, ARNs and conditions, and leaves out what has no value', () => {
    const table = 'arn:aws:dynamodb:eu-central-1:111122223333:table/p-t1-orders';
    expect(template.arnOf('Table')).toBe(table);
    expect(template.arnOf('Role')).toBe('arn:aws:iam::111122223333:role/stack-Role-0');
    expect(template.propertiesOf('Role')).not.toHaveProperty('Path');
    expect(template.idsOf('AWS::ECS::Cluster')).toEqual([]);
    const { policies, boundary } = template.rightsOf('Role');
    expect(policies).toEqual([
      { Statement: [{ Effect: 'Allow', Action: 'dynamodb:GetItem', Resource: [table, `${table}/index/a`] }] },
    ]);
    expect(boundary).toEqual({ Statement: [] });
  });

  test('refuses what it does not know', () => {
    const odd = (Properties: Record<string, unknown>) =>
      new DeployedTemplate({ Resources: { Odd: { Type: 'AWS::Odd::One', Properties } } }, { stackName: 'stack' });
    expect(() => odd({ A: { 'Fn::Transform': [] } }).propertiesOf('Odd')).toThrow(/does not know Fn::Transform/);
    expect(() => odd({ A: { Ref: 'Nothing' } }).propertiesOf('Odd')).toThrow(/has no resource Nothing/);
    expect(() => odd({}).arnOf('Odd')).toThrow(/knows no ARN of AWS::Odd::One/);
  });
});

const TASK = 'arn:aws:iam::111122223333:role/task';
const TENANT = 't1';
const ACTIONS = ['GetItem', 'PutItem', 'DeleteItem', 'Query', 'ConditionCheckItem'];
const OTHER_ACTIONS = [
  'Scan',
  'UpdateItem',
  'BatchGetItem',
  'PartiQLSelect',
  'PartiQLInsert',
  'DeleteTable',
  'ExportTableToPointInTime',
];
const KEYS: readonly [of: string, keys: string[] | undefined, isOwn: boolean][] = [
  ['its own key', ['t1'], true],
  ['its own key with a suffix', ['t1#order'], true],
  ["another tenant's key", ['t2#order'], false],
  ['a key that begins with its id', ['t10'], false],
  ['its own key and another one', ['t1#a', 't2#a'], false],
  ['a key of no tenant', ['outbox'], false],
  ['an empty key', [''], false],
  ['no key', undefined, false],
];

describe("the data role's policy", () => {
  const policies = [{ Statement: dataRolePolicy(TABLE) }];
  const tagged = { 'aws:PrincipalTag/tenantId': TENANT };
  const may = (action: string, keys: string[] | undefined, resource = TABLE, tags: Call['context'] = tagged): boolean =>
    mayCall(
      { policies },
      { action: `dynamodb:${action}`, resource, context: { ...tags, ...(keys && { 'dynamodb:LeadingKeys': keys }) } },
    );

  for (const [of, keys, isOwn] of KEYS) {
    test(`SE-1.6: ${isOwn ? 'allows' : 'refuses'} every action on ${of}`, () => {
      expect(ACTIONS.map((action) => may(action, keys))).toEqual(ACTIONS.map(() => isOwn));
      expect(may('Query', keys, `${TABLE}/index/index-g1`)).toBe(isOwn);
    });
  }

  test('SE-1.6: refuses other actions, other tables, and a session without a tag, even on its own keys', () => {
    expect(OTHER_ACTIONS.filter((action) => may(action, ['t1']))).toEqual([]);
    expect(ACTIONS.filter((action) => may(action, ['t1'], `${TABLE}2`))).toEqual([]);
    expect(ACTIONS.filter((action) => may(action, ['t1'], TABLE, {}))).toEqual([]);
    expect(ACTIONS.filter((action) => may(action, ['closed#t1']))).toEqual(['ConditionCheckItem']);
  });

  test('SE-1.6: of a silo tenant, only the task role starts sessions, with the tag of its own tenant alone', () => {
    const trust = { Statement: dataRoleTrust(TASK, TENANT) };
    const starts = (arn: string, tags: Record<string, string>): boolean => {
      const context = {
        'aws:TagKeys': Object.keys(tags),
        ...Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:RequestTag/${key}`, value])),
      };
      return ['sts:AssumeRole', 'sts:TagSession'].every((action) => mayAssume(trust, { arn }, action, context));
    };
    expect(starts(TASK, { tenantId: TENANT })).toBe(true);
    const refused = [{}, { tenantId: 't2' }, { tenantId: 't10' }, { tenantId: '*' }, { tenantId: TENANT, role: 'x' }];
    expect(refused.filter((tags) => starts(TASK, tags))).toEqual([]);
    expect(starts(`${TASK}2`, { tenantId: TENANT })).toBe(false);
    expect(mayAssume(trust, { service: 'ecs-tasks.amazonaws.com' }, 'sts:AssumeRole')).toBe(false);
    const pooled = { Statement: dataRoleTrust(TASK) };
    expect(mayAssume(pooled, { arn: TASK }, 'sts:AssumeRole', { 'aws:TagKeys': [] })).toBe(false);
  });
});
