import { CloudFormationClient, DescribeStackResourcesCommand } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetRoleCommand, GetRolePolicyCommand, IAMClient, ListRolePoliciesCommand } from '@aws-sdk/client-iam';
import { CreateFunctionCommand, InvokeCommand, LambdaClient, waitUntilFunctionActiveV2 } from '@aws-sdk/client-lambda';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { ACCOUNT_ID, type EmulatedAccount, REGION } from '../../../../rehearsal/emulated-account.ts';
import { allowedBy, evaluated, type KeyKind } from '../../../infra/iam/data-calls.ts';
import { DATA_RIGHTS, type TableKind } from '../../../infra/iam/data-rights.ts';
import type { RoleRights } from '../../../infra/iam/evaluate.ts';
import { roleName } from '../../../infra/iam/home.ts';
import type { PolicyDocument } from '../../../infra/iam/policy.ts';
import { type Credentials, clientConfig } from '../../../rehearsal/account.ts';
import { calledCells } from '../../../rehearsal/data-calls.ts';
import { zipFile } from '../../../support/zip-file.ts';

const STACKS = ['shared-infra-stack', 'controlplane-stack', 'core-appplane-stack'];
const TENANT = 'matrix00000000000000000001';
const OTHER_TENANT = 'other000000000000000000002';
/** The roles of functions have no tenant, so the keys of all tenants are alike for them. */
const KINDS: Readonly<Partial<Record<TableKind, readonly KeyKind[]>>> = { pooled: ['own', 'no'] };
/** A function that returns the credentials that Lambda gives it. */
const CODE = `exports.handler = async () => {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken } = process.env;
  return { accessKeyId, secretAccessKey, sessionToken };
};`;

/** The role of a function, as it is in the account. */
interface FunctionRole {
  /** As in the table of rights. */
  readonly name: string;
  readonly roleName: string;
  readonly rights: RoleRights;
}

/** Makes every data call as each role of a function in the account, and asks the evaluator about the same calls. */
export function functionRoles(account: () => EmulatedAccount): void {
  describe('every data call, as the role of each function', () => {
    let roles: FunctionRole[];
    let tables: readonly (readonly [TableKind, string])[];
    beforeAll(async () => {
      roles = await rolesOfFunctions(account());
      tables = [
        ['app-plane', await tableOf(account(), 'shared-infra-stack')],
        ['control-plane', await tableOf(account(), 'controlplane-stack')],
        ['pooled', 'tierplane-main-pool-orders'],
      ];
    });

    test('SE-2: is allowed where the table of rights says so, and is refused to all others', async () => {
      const names = roles.map(({ name }) => name);
      const ofFunctions = Object.keys(DATA_RIGHTS).filter((name) => !name.startsWith('tasks/'));
      expect(ofFunctions.filter((name) => !names.includes(name))).toEqual([]);
      const opinions = roles.map(async ({ name, roleName, rights }) => {
        const client = new DynamoDBClient(clientConfig(account(), await credentialsOf(account(), roleName)));
        for (const [kind, tableName] of tables) {
          const tableArn = `arn:aws:dynamodb:${REGION}:${ACCOUNT_ID}:table/${tableName}`;
          const kinds = KINDS[kind] ?? ['own'];
          const keys = { tenantId: TENANT, otherTenant: OTHER_TENANT, kinds };
          const called = await calledCells(client, { tableName, ...keys });
          const expected = allowedBy(DATA_RIGHTS[name]?.[kind] ?? {}, kinds);
          expect([name, kind, called]).toEqual([name, kind, expected]);
          expect([name, kind, evaluated(rights, { tableArn, ...keys })]).toEqual([name, kind, expected]);
        }
      });
      await Promise.all(opinions);
    });
  });
}

async function resourcesOf(account: EmulatedAccount, StackName: string, type: string) {
  const cloudFormation = new CloudFormationClient(clientConfig(account));
  const { StackResources = [] } = await cloudFormation.send(new DescribeStackResourcesCommand({ StackName }));
  return StackResources.filter(({ ResourceType }) => ResourceType === type);
}

async function tableOf(account: EmulatedAccount, stack: string): Promise<string> {
  const [table] = await resourcesOf(account, stack, 'AWS::DynamoDB::Table');
  return table?.PhysicalResourceId ?? '';
}

async function rolesOfFunctions(account: EmulatedAccount): Promise<FunctionRole[]> {
  const found: FunctionRole[] = [];
  for (const stack of STACKS) {
    for (const { LogicalResourceId = '', PhysicalResourceId = '' } of await resourcesOf(
      account,
      stack,
      'AWS::IAM::Role',
    )) {
      const rights = await rightsOfFunction(account, PhysicalResourceId);
      if (rights) found.push({ name: roleName(stack, LogicalResourceId), roleName: PhysicalResourceId, rights });
    }
  }
  return found;
}

/** The policies of the role; undefined if it is not for a function. */
async function rightsOfFunction(account: EmulatedAccount, RoleName: string): Promise<RoleRights | undefined> {
  const iam = new IAMClient(clientConfig(account));
  const { Role } = await iam.send(new GetRoleCommand({ RoleName }));
  if (!decodeURIComponent(Role?.AssumeRolePolicyDocument ?? '').includes('lambda.amazonaws.com')) return undefined;
  const { PolicyNames = [] } = await iam.send(new ListRolePoliciesCommand({ RoleName }));
  const documents = PolicyNames.map(async (PolicyName) => {
    const { PolicyDocument: text = '{}' } = await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }));
    return JSON.parse(decodeURIComponent(text)) as PolicyDocument;
  });
  return { policies: await Promise.all(documents) };
}

/** The credentials that Lambda gives a function with this role. */
async function credentialsOf(account: EmulatedAccount, role: string): Promise<Credentials> {
  const lambda = new LambdaClient(clientConfig(account));
  const FunctionName = `as-${role}`.slice(0, 64);
  await lambda.send(
    new CreateFunctionCommand({
      ...{ FunctionName, Runtime: 'nodejs24.x', Handler: 'index.handler' },
      Role: `arn:aws:iam::${ACCOUNT_ID}:role/${role}`,
      Code: { ZipFile: zipFile('index.js', CODE) },
      // All functions start at the same time.
      Timeout: 60,
    }),
  );
  await waitUntilFunctionActiveV2({ client: lambda, maxWaitTime: 20, minDelay: 1 }, { FunctionName });
  const { FunctionError, Payload = new Uint8Array() } = await lambda.send(new InvokeCommand({ FunctionName }));
  const returned = Buffer.from(Payload).toString();
  if (FunctionError !== undefined) throw new Error(`${FunctionName} failed: ${returned}`);
  return JSON.parse(returned) as Credentials;
}
