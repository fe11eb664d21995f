import { APIGatewayClient, GetApiKeysCommand } from '@aws-sdk/client-api-gateway';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import {
  CognitoIdentityProviderClient,
  ListUserPoolsCommand,
  paginateListUsers,
} from '@aws-sdk/client-cognito-identity-provider';
import { DynamoDBClient, ListTablesCommand, paginateScan } from '@aws-sdk/client-dynamodb';
import { IAMClient, paginateListRoles } from '@aws-sdk/client-iam';
import { until } from '../../scripts/until.ts';
import { clientConfig } from '../bus-watch.ts';
import { containersWithoutTask, tasksOf } from './containers.ts';
import type { ProductScene } from './scene.ts';
import type { Registered } from './tenant.ts';

const GONE_WITHIN_MS = 60_000;
const POLL_MS = 500;

type Config = ReturnType<typeof clientConfig>;

/** The tenant to look for. */
export interface Subject extends Pick<Registered, 'tenantId' | 'name'> {
  /** Whether the tenant is still registered, so that its name and email stay reserved. @default false */
  readonly isRegistered?: boolean;
}

/** Items that a deleted tenant leaves on purpose: they keep its id, and late events and writes, from coming to life again. */
const KEPT = ['tenant', 'placement', 'closed'];
/** Items that reserve the name and the email of a tenant that is not deleted. */
const RESERVED = /^tenant-(slug|email)#/;

/** What the account has of a tenant, as `<kind> <name>`: stacks, tasks, containers, API keys, users, pools, tables, items, roles. */
export async function leftoversOf({ account, engine }: ProductScene, subject: Subject): Promise<string[]> {
  const config = clientConfig(account);
  const tasks = (await tasksOf(account)).filter(({ group }) => group?.includes(subject.tenantId));
  const found = await Promise.all([
    stacks(config, subject),
    apiKeys(config, subject),
    usersAndPools(config, subject),
    tablesAndItems(config, subject),
    roles(config, subject),
    containersWithoutTask(account, engine).then((names) => names.map((name) => `container ${name}`)),
  ]);
  return [...tasks.map(({ taskArn }) => `task ${taskArn}`), ...found.flat()];
}

/** Waits until the account has nothing of the tenant: containers stop within seconds. @throws Error with what is left */
export async function untilNothingIsLeft(scene: ProductScene, subject: Subject): Promise<void> {
  let left: string[] = [];
  const isEmpty = async () => {
    left = await leftoversOf(scene, subject);
    return left.length === 0;
  };
  const failure = () => `${subject.name} has left ${left.join(', ')}`;
  await until(isEmpty, { withinMs: GONE_WITHIN_MS, everyMs: POLL_MS, failure });
}

async function stacks(config: Config, { tenantId }: Subject): Promise<string[]> {
  const { Stacks = [] } = await new CloudFormationClient(config).send(new DescribeStacksCommand({}));
  return Stacks.filter((one) => one.StackName?.includes(tenantId) && one.StackStatus !== 'DELETE_COMPLETE').map(
    ({ StackName, StackStatus }) => `stack ${StackName} ${StackStatus}`,
  );
}

async function apiKeys(config: Config, { tenantId }: Subject): Promise<string[]> {
  const { items = [] } = await new APIGatewayClient(config).send(new GetApiKeysCommand({ limit: 500 }));
  return items.filter(({ name }) => name?.includes(tenantId)).map(({ name }) => `API key ${name}`);
}

/** Users are known by their email, whose domain has the tenant's name. */
async function usersAndPools(config: Config, { tenantId, name }: Subject): Promise<string[]> {
  const client = new CognitoIdentityProviderClient(config);
  const { UserPools = [] } = await client.send(new ListUserPoolsCommand({ MaxResults: 60 }));
  const found = UserPools.filter((pool) => pool.Name?.includes(tenantId)).map((pool) => `user pool ${pool.Name}`);
  for (const { Id: UserPoolId } of UserPools) {
    for await (const { Users = [] } of paginateListUsers({ client }, { UserPoolId })) {
      const own = Users.filter((user) => JSON.stringify(user.Attributes).includes(`@${name}.example`));
      found.push(...own.map(({ Username }) => `user ${Username}`));
    }
  }
  return found;
}

async function tablesAndItems(config: Config, { tenantId, isRegistered = false }: Subject): Promise<string[]> {
  const client = new DynamoDBClient(config);
  const { TableNames = [] } = await client.send(new ListTablesCommand({}));
  const found = TableNames.filter((name) => name.includes(tenantId)).map((name) => `table ${name}`);
  for (const TableName of TableNames) {
    for await (const { Items = [] } of paginateScan({ client }, { TableName })) {
      const own = Items.filter((item) => JSON.stringify(item).includes(tenantId));
      const isKept = (pk = ''): boolean =>
        KEPT.some((kind) => pk === `${kind}#${tenantId}`) || (isRegistered && RESERVED.test(pk));
      const left = own.filter(({ pk }) => !isKept(pk?.S));
      found.push(...left.map(({ pk, sk }) => `item ${TableName} ${pk?.S} ${sk?.S}`));
    }
  }
  return found;
}

async function roles(config: Config, { tenantId }: Subject): Promise<string[]> {
  const found: string[] = [];
  for await (const { Roles = [] } of paginateListRoles({ client: new IAMClient(config) }, {})) {
    found.push(
      ...Roles.filter(({ RoleName }) => RoleName?.includes(tenantId)).map(({ RoleName }) => `role ${RoleName}`),
    );
  }
  return found;
}
