import { createServer } from 'node:http';
import { DynamoDBClient, GetItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { openTenantTables, type TenantTables } from '../../../../adapters/aws/store/tenant-tables.ts';
import { systemClock, systemRandom } from '../../../../adapters/shared/clock.ts';
import { put, type Table } from '../../../../core/ports/table.ts';
import { closedPartition, closing } from '../../../../core/tenant/closed.ts';
import { scopedTable } from '../../../../core/tenant/scoped-table.ts';
import { ACCOUNT_ID, REGION } from '../../../../rehearsal/emulated-account.ts';
import { dataRolePolicy, dataRoleTrust } from '../../../../tenant-templates/data-role.ts';
import {
  type Credentials,
  clientConfig,
  createTable,
  describeInAccount,
  SMALLEST_PAGE,
} from '../../../rehearsal/account.ts';
import { closeServer, listen } from '../../../support/http-server.ts';
import { tableContract } from '../../contract/table.suite.ts';
import { assumeNewRole, createRole } from './roles.ts';

// The emulator reads the whole partition for every page.
jest.setTimeout(120_000);

const TABLE = 'products';
const ARN = `arn:aws:dynamodb:${REGION}:${ACCOUNT_ID}:table/${TABLE}`;
const TASK_ROLE = `arn:aws:iam::${ACCOUNT_ID}:role/task`;
const A = 'tenantaaaa';
/** Begins with the id of A. */
const SIBLING = 'tenantaaaab';
const B = 'tenantbbbb';

const DENIED = { code: 'ACCESS_DENIED', cause: { name: 'AccessDeniedException' } };

describeInAccount('the tables of tenants in the emulated account', (account) => {
  let root: Table;
  /** Credentials as a task has them: those of its role. */
  let task: Credentials;
  let tables: TenantTables;
  const opened: TenantTables[] = [];

  function open(roleArn: string, credentials: Credentials, endpoint = account().endpoint): TenantTables {
    const one = openTenantTables({
      ...{ roleArn, tableName: TABLE, clock: systemClock, random: systemRandom },
      client: { ...clientConfig(account(), credentials), endpoint },
    });
    opened.push(one);
    return one;
  }

  beforeAll(async () => {
    root = await createTable(new DynamoDBClient(clientConfig(account())), TABLE);
    const assume = { Effect: 'Allow', Action: ['sts:AssumeRole', 'sts:TagSession'], Resource: ['*'] } as const;
    task = await assumeNewRole(account(), 'task', [assume]);
    tables = open(await createRole(account(), 'data', dataRolePolicy(ARN), dataRoleTrust(TASK_ROLE)), task);
    for (const tenant of [A, SIBLING, B]) {
      const indexes = { g1: { pk: `${tenant}#by-name`, sk: 'x' } };
      await root.transact([put({ pk: `${tenant}#products`, sk: 'x', version: 1, data: { tenant }, indexes })]);
    }
  });
  afterEach(() => {
    for (const one of opened.splice(0)) if (one !== tables) one.close();
  });

  tableContract(
    'a table with the credentials of a tenant',
    async () => ({ table: tables.tableOf({ tenantId: A }), close: async () => {} }),
    { prefix: `${A}#`, smallestPage: SMALLEST_PAGE },
  );

  test('TI-2: each tenant reads its own items', async () => {
    for (const tenantId of [A, SIBLING, B]) {
      const table = tables.tableOf({ tenantId });
      expect(await table.get({ pk: `${tenantId}#products`, sk: 'x' })).toMatchObject({ data: { tenant: tenantId } });
      expect((await table.query({ pk: `${tenantId}#by-name`, index: 'g1', limit: 10 })).items).toHaveLength(1);
    }
  });

  test.each([
    ['foreign', `${B}#products`],
    ['foreign and absent', `${B}#nothing`],
    ["the sibling's that begins with the same letters", `${SIBLING}#products`],
    ['of no tenant', 'ready'],
    ['the mark of the tenant itself', closedPartition(A)],
  ])('SE-1.6: DynamoDB itself refuses a key that is %s', async (_what, pk) => {
    const table = tables.tableOf({ tenantId: A });
    const key = { pk, sk: 'x' };
    await expect(table.get(key)).rejects.toMatchObject(DENIED);
    await expect(table.query({ pk, limit: 10 })).rejects.toMatchObject(DENIED);
    await expect(table.query({ pk, index: 'g1', limit: 10 })).rejects.toMatchObject(DENIED);
    await expect(table.transact([put({ ...key, version: 1, data: {} })])).rejects.toMatchObject(DENIED);
    await expect(table.transact([{ delete: key }])).rejects.toMatchObject(DENIED);
    const own = { pk: `${A}#products`, sk: 'beside' };
    const beside = put({ ...own, version: 1, data: {} });
    await expect(table.transact([beside, { delete: key }])).rejects.toMatchObject(DENIED);
    expect(await root.get(own)).toBeUndefined();
  });

  test("TI-2: a tenant's handle writes until its data is deleted, and cannot remove the mark of that", async () => {
    const tenantId = 'tenantcccc';
    const table = scopedTable(tables.tableOf({ tenantId }), tenantId);
    const item = { pk: `${tenantId}#products`, sk: 'x', version: 1, data: {} };
    await table.transact([put(item, 'absent')]);
    await root.transact([closing(tenantId, systemClock.now())]);
    await expect(table.transact([put({ ...item, version: 2 })])).rejects.toMatchObject({ code: 'FORBIDDEN' });
    const mark = { pk: closedPartition(tenantId), sk: 'closed' };
    await expect(tables.tableOf({ tenantId }).transact([{ delete: mark }])).rejects.toMatchObject(DENIED);
    expect(await root.get(item)).toMatchObject({ version: 1 });
  });

  describe('SE-1.6: the role of the tasks', () => {
    test('reaches no table', async () => {
      const own = new DynamoDBClient(clientConfig(account(), task));
      const denied = { name: 'AccessDeniedException' };
      const Key = { pk: { S: `${A}#products` }, sk: { S: 'x' } };
      await expect(own.send(new GetItemCommand({ TableName: TABLE, Key }))).rejects.toMatchObject(denied);
      await expect(own.send(new ScanCommand({ TableName: TABLE }))).rejects.toMatchObject(denied);
    });

    test('gets no session without the tag, with another tag besides, or as another principal', async () => {
      const session = { RoleArn: `arn:aws:iam::${ACCOUNT_ID}:role/data`, RoleSessionName: 'test' };
      const tag = { Key: 'tenantId', Value: A };
      const sts = new STSClient(clientConfig(account(), task));
      const denied = { name: 'AccessDenied' };
      await expect(sts.send(new AssumeRoleCommand({ ...session, Tags: [tag] }))).resolves.toBeDefined();
      await expect(sts.send(new AssumeRoleCommand(session))).rejects.toMatchObject(denied);
      const Tags = [tag, { Key: 'other', Value: 'x' }];
      await expect(sts.send(new AssumeRoleCommand({ ...session, Tags }))).rejects.toMatchObject(denied);
      const assume = { Effect: 'Allow', Action: ['sts:AssumeRole', 'sts:TagSession'], Resource: ['*'] } as const;
      const stranger = new STSClient(clientConfig(account(), await assumeNewRole(account(), 'stranger', [assume])));
      await expect(stranger.send(new AssumeRoleCommand({ ...session, Tags: [tag] }))).rejects.toMatchObject(denied);
    });

    test("of a silo acts for the silo's tenant only", async () => {
      const trust = dataRoleTrust(TASK_ROLE, A);
      const silo = open(await createRole(account(), 'silo-data', dataRolePolicy(ARN), trust), task);
      expect(await silo.tableOf({ tenantId: A }).get({ pk: `${A}#products`, sk: 'x' })).toBeDefined();
      for (const tenantId of [B, SIBLING]) {
        const table = silo.tableOf({ tenantId });
        const refused = { code: 'FORBIDDEN', message: 'this task must not act for the tenant' };
        await expect(table.get({ pk: `${tenantId}#products`, sk: 'x' })).rejects.toMatchObject(refused);
        const item = put({ pk: `${tenantId}#products`, sk: 'new', version: 1, data: {} });
        await expect(table.transact([item])).rejects.toMatchObject(refused);
      }
    });
  });

  test('a token without a tenant has no table', () => {
    expect(() => tables.tableOf({})).toThrow(expect.objectContaining({ code: 'FORBIDDEN' }));
  });

  test.each(['*', 'tenantaaaa*', `${A}#products`, 'TENANTAAAA', ''])(
    'SE-1.13: %j is not a tenant id, so no session has it as its tag',
    async (tenantId) => {
      await expect(tables.tableOf({ tenantId }).get({ pk: 'x', sk: 'x' })).rejects.toMatchObject({ code: 'INVALID' });
    },
  );

  describe('a request is UNAVAILABLE', () => {
    const key = { pk: `${A}#products`, sk: 'x' };

    test('while STS is, which is not asked more often than the SDK repeats a call', async () => {
      let calls = 0;
      const server = createServer((_request, response) => {
        calls++;
        response.writeHead(503).end('<ErrorResponse><Error><Code>ServiceUnavailable</Code></Error></ErrorResponse>');
      });
      const { tableOf } = open(`arn:aws:iam::${ACCOUNT_ID}:role/data`, task, (await listen(server)).url);
      const reads = Array.from({ length: 20 }, () => tableOf({ tenantId: A }).get(key));
      const unavailable = { code: 'UNAVAILABLE', message: 'STS failed: ServiceUnavailable' };
      for (const read of reads) await expect(read).rejects.toMatchObject(unavailable);
      expect(calls).toBe(3);
      await closeServer(server);
    });

    test('while the task has no credentials of its own, and so is the task', async () => {
      const client = { endpoint: account().endpoint, region: REGION };
      const credentials = () => Promise.reject(Object.assign(new Error('none'), { name: 'CredentialsProviderError' }));
      const without = openTenantTables({
        ...{ roleArn: TASK_ROLE, tableName: TABLE, clock: systemClock, random: systemRandom },
        client: { ...client, credentials },
      });
      opened.push(without);
      await expect(without.checkCredentials()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      await expect(without.tableOf({ tenantId: A }).get(key)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      await expect(tables.checkCredentials()).resolves.toBeUndefined();
    });
  });
});
