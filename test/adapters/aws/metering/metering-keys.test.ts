import {
  APIGatewayClient,
  CreateUsagePlanCommand,
  GetApiKeysCommand,
  GetUsagePlanKeysCommand,
} from '@aws-sdk/client-api-gateway';
import { expect, test } from '@jest/globals';
import { openMeteringKeys } from '../../../../adapters/aws/metering/metering-keys.ts';
import type { TierName } from '../../../../core/tier/tiers.ts';
import { createCallLimiter } from '../../../../core/usage/call-limiter.ts';
import { TIER_NAMES } from '../../../../tenant-templates/tiers.ts';
import { clientConfig, describeInAccount } from '../../../rehearsal/account.ts';
import { openScratchTable } from '../../../support/scratch-table.ts';
import { meteringKeysContract } from '../../contract/metering-keys.suite.ts';

const PREFIX = 'metering';
/** Usage plans that no call reaches. */
const SOME_PLANS = Object.fromEntries(TIER_NAMES.map((tier) => [tier, `plan-${tier}`])) as Record<TierName, string>;

describeInAccount('an emulated account', (account) => {
  meteringKeysContract('API Gateway', async () => {
    const apiGateway = new APIGatewayClient(clientConfig(account()));
    const usagePlanIds = await createPlans(apiGateway);
    let checks = 0;
    return {
      // API Gateway refuses a new key for a while. key-check.test.ts sends real requests.
      keys: openMeteringKeys({ apiGateway, prefix: PREFIX, usagePlanIds, works: async () => ++checks > 2 }),
      async found(tenantId) {
        const { items = [] } = await apiGateway.send(new GetApiKeysCommand({ includeValues: true, limit: 500 }));
        const own = items.filter(({ tags }) => tags?.TenantId === tenantId);
        return Promise.all(
          own.map(async ({ id = '', value = '', name }) => {
            expect(name).toBe(`${PREFIX}-${tenantId}`);
            return { value, tiers: await tiersOf(apiGateway, usagePlanIds, id) };
          }),
        );
      },
      close: async () => apiGateway.destroy(),
    };
  });
});

async function createPlans(apiGateway: APIGatewayClient): Promise<Record<TierName, string>> {
  const plans = await Promise.all(
    TIER_NAMES.map(async (name) => [name, (await apiGateway.send(new CreateUsagePlanCommand({ name }))).id] as const),
  );
  return Object.fromEntries(plans) as Record<TierName, string>;
}

async function tiersOf(
  apiGateway: APIGatewayClient,
  usagePlanIds: Readonly<Record<TierName, string>>,
  keyId: string,
): Promise<TierName[]> {
  const isIn = await Promise.all(
    TIER_NAMES.map(async (tier) => {
      const page = await apiGateway.send(new GetUsagePlanKeysCommand({ usagePlanId: usagePlanIds[tier] }));
      return page.items?.some(({ id }) => id === keyId);
    }),
  );
  return TIER_NAMES.filter((_, i) => isIn[i]);
}

/** API Gateway that has no keys yet and refuses the creation of one with this error. */
function refusingCreation(name: string): APIGatewayClient {
  const apiGateway = new APIGatewayClient({ region: 'eu-west-1' });
  apiGateway.middlewareStack.add(
    (_next, { commandName }) =>
      async () => {
        if (commandName === 'GetApiKeysCommand') return { output: { items: [] }, response: undefined } as never;
        throw Object.assign(new Error(commandName), { name });
      },
    { step: 'initialize' },
  );
  return apiGateway;
}

test('a tenant waits for its turn, and all wait longer after API Gateway has refused a creation', async () => {
  const { table, clock, close } = await openScratchTable();
  const limiter = createCallLimiter({ name: 'api-keys', limit: { rate: 5, burst: 1 }, table, clock });
  const apiGateway = refusingCreation('TooManyRequestsException');
  const keys = openMeteringKeys({
    apiGateway,
    prefix: PREFIX,
    usagePlanIds: SOME_PLANS,
    works: async () => true,
    limiter,
  });
  const key = { tenantId: 'tenant00001', tier: 'basic', value: 'v'.repeat(22) } as const;
  const pending = 'the tenant waits for its turn to get an API key';
  expect(await keys.ensure(key)).toEqual({ pending, lookAgainMs: 10_000 });
  clock.advance(9_900);
  expect(await keys.ensure(key)).toEqual({ pending, lookAgainMs: 100 });
  await close();
});

/** Keys whose every call fails with this error, as the SDK reports it. */
function failingKeys(name: string) {
  const apiGateway = new APIGatewayClient({ region: 'eu-west-1' });
  apiGateway.middlewareStack.add(
    () => () => Promise.reject(Object.assign(new Error('of account 123456789012'), { name })),
    { step: 'initialize' },
  );
  return openMeteringKeys({ apiGateway, prefix: PREFIX, usagePlanIds: SOME_PLANS, works: async () => true });
}

test.each([
  ['TooManyRequestsException', { code: 'UNAVAILABLE', message: 'API Gateway failed: TooManyRequestsException' }],
  ['ConflictException', { code: 'UNAVAILABLE' }],
  ['LimitExceededException', { code: 'FORBIDDEN', message: expect.stringMatching(/^the cell is full/) }],
  ['AccessDeniedException', { code: 'INTERNAL', message: 'API Gateway failed: AccessDeniedException' }],
])('%s of API Gateway becomes the error that says whether another attempt may succeed', async (name, expected) => {
  const key = { tenantId: 'tenant00001', tier: 'basic', value: 'v'.repeat(22) } as const;
  await expect(failingKeys(name).ensure(key)).rejects.toMatchObject(expected);
});
