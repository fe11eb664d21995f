import assert from 'node:assert/strict';
import { CloudFormationClient, DescribeStackResourcesCommand } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient, paginateQuery } from '@aws-sdk/client-dynamodb';
import { openTable } from '../../adapters/aws/store/table.ts';
import { TENANT_ATTRIBUTE, TENANT_INDEX } from '../../adapters/aws/store/table-shape.ts';
import { systemClock, systemRandom } from '../../adapters/shared/clock.ts';
import { EMPTY_SHARD, type ShardUse } from '../../core/plan/cell.ts';
import { MAX_WRITES } from '../../core/ports/table-rules.ts';
import { until } from '../../scripts/until.ts';
import { clientConfig } from '../bus-watch.ts';
import type { EmulatedAccount } from '../emulated-account.ts';
import { untilNothingIsLeft } from './leftovers.ts';
import type { ProductScene, Step } from './scene.ts';
import type { TenantUser } from './tenant.ts';

/** The pooled tenant whose items fill more than one page. It has not used up its burst. */
const BIG = 'self-made';
const POOLED_PRODUCTS = 'tierplane-main-pool-products';
/** A product has an item, and its sku another one. */
const PRODUCTS = MAX_WRITES / 2 + 5;
/** Requests at the same time. */
const AT_ONCE = 5;
/** The usage plan refuses some requests; they are sent again. */
const ADMITTED_WITHIN_MS = 20_000;

export const OFFBOARDING_STEPS: readonly Step[] = [
  [
    `a pooled tenant has more items than the ${MAX_WRITES} that its offboarding deletes at a time`,
    async (scene) => {
      const user = scene.tenant(BIG).administrator;
      const skus = Array.from({ length: PRODUCTS }, (_, i) => `SKU-${i}`);
      const work = async (): Promise<void> => {
        for (let sku = skus.pop(); sku !== undefined; sku = skus.pop()) await createAdmitted(user, sku);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
      const count = await itemsOf(scene, scene.tenant(BIG).tenantId);
      assert(count > MAX_WRITES, `${count} items`);
      return `${count} items`;
    },
  ],
  [
    'offboarding leaves no stack, task, container, API key, user, user pool, table, item, role or priority',
    async (scene) => {
      const times = await Promise.all(
        [...scene.tenants.values()].map(async ({ registered }) => {
          const started = performance.now();
          await scene.offboard(registered);
          return `${registered.name} in ${Math.round(performance.now() - started)} ms`;
        }),
      );
      for (const { registered } of scene.tenants.values()) await untilNothingIsLeft(scene, registered);
      assert.deepEqual(await shardOf(scene.account), EMPTY_SHARD);
      return `all at once: ${times.join(', ')}`;
    },
  ],
];

async function createAdmitted(user: TenantUser, sku: string): Promise<void> {
  const product = { name: 'Many beans', sku, category: 'coffee', price: { amount: 100, currency: 'EUR' } };
  let seen = '';
  const isCreated = async () => {
    const { status, text } = await user('POST', '/products', { body: product });
    seen = `${status} ${text}`;
    assert(status === 201 || status === 429, seen);
    return status === 201;
  };
  await until(isCreated, { withinMs: ADMITTED_WITHIN_MS, everyMs: 200, failure: () => `${sku}: ${seen}` });
}

async function itemsOf({ account }: ProductScene, tenantId: string): Promise<number> {
  const client = new DynamoDBClient(clientConfig(account));
  const query = {
    ...{ TableName: POOLED_PRODUCTS, IndexName: TENANT_INDEX },
    KeyConditionExpression: '#tenant = :tenant',
    ExpressionAttributeNames: { '#tenant': TENANT_ATTRIBUTE },
    ExpressionAttributeValues: { ':tenant': { S: tenantId } },
  };
  let count = 0;
  for await (const { Count = 0 } of paginateQuery({ client }, query)) count += Count;
  return count;
}

/** What is taken of the only shard, by the application plane's table. */
async function shardOf(account: EmulatedAccount): Promise<ShardUse | undefined> {
  const config = clientConfig(account);
  const { StackResources = [] } = await new CloudFormationClient(config).send(
    new DescribeStackResourcesCommand({ StackName: 'shared-infra-stack' }),
  );
  const found = StackResources.find(({ ResourceType }) => /^AWS::DynamoDB::(Global)?Table$/.test(ResourceType ?? ''));
  const client = new DynamoDBClient(config);
  const tableName = found?.PhysicalResourceId ?? '';
  const table = openTable({ client, tableName, clock: systemClock, random: systemRandom });
  return (await table.get<ShardUse>({ pk: 'shard#1', sk: 'shard' }))?.data;
}
