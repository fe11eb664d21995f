import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DeleteItemCommand,
  DescribeTableCommand,
  DynamoDBClient,
  ExecuteStatementCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TransactGetItemsCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { beforeAll, expect, jest, test } from '@jest/globals';
import { openIdentity } from '../../../adapters/aws/identity/identity.ts';
import { openPasswordVault, type PasswordVault } from '../../../adapters/aws/identity/password-vault.ts';
import { openUserPools } from '../../../adapters/aws/identity/user-pool.ts';
import { openTable } from '../../../adapters/aws/store/table.ts';
import { systemClock, systemRandom } from '../../../adapters/shared/clock.ts';
import type { Identity } from '../../../core/ports/identity.ts';
import { put, type Table } from '../../../core/ports/table.ts';
import { ACCOUNT_ID, REGION } from '../../../rehearsal/emulated-account.ts';
import type { Statement } from '../../../tenant-templates/data-role.ts';
import { assumeNewRole } from '../../adapters/aws/store/roles.ts';
import { type Credentials, clientConfig, createTable, describeInAccount } from '../../rehearsal/account.ts';
import { Synthesized } from '../../support/synthesized.ts';

jest.setTimeout(60_000);

const TABLE = 'app-plane';
const OTHER = 'control-plane';
const KEYS = ['email#pool', 'staged-password#t1'] as const;
const FOREIGN = [
  ...['user#pool', 'subject#pool', 'route#t1', 'outbox', 'email#tenant-t1', 'email#pool2', 'email#poo', 'email#'],
  ...['staged-password', 'staged-passwords#t1', 'Staged-password#t1', 'x-staged-password#t1', 'absent'],
];

/** The table, and what works with it, by the credentials of one role. */
interface Access {
  readonly table: Table;
  readonly identity: Identity;
  readonly vault: PasswordVault;
}

describeInAccount("the control plane's role in the application plane's table", (account) => {
  const app = Synthesized.of('test/control-plane/infra/app-plane-app.ts');
  let db: DynamoDBClient;
  let asRoot: Access;
  let asRole: Access;

  /** The statements of the registration function in the template about the application plane's table and key. */
  function statements(tableArn: string, keyArn: string): Statement[] {
    const policies = app.resources('controlplane-stack', 'AWS::IAM::Policy');
    const own = policies.find(({ id }) => id.includes('TenantRegistrationFunc'));
    const imported = own?.Properties.PolicyDocument.Statement.filter((one: object) =>
      JSON.stringify(one).includes('parts:ExportsOutput'),
    );
    return imported.map((one: Statement & { readonly Resource: unknown }) => ({
      ...one,
      Action: [one.Action].flat(),
      Resource: [JSON.stringify(one.Resource).includes('PasswordKey') ? keyArn : tableArn],
    }));
  }

  beforeAll(async () => {
    const root = clientConfig(account());
    await createTable(new DynamoDBClient(root), TABLE);
    await createTable(new DynamoDBClient(root), OTHER);
    const keyArn = (await new KMSClient(root).send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? '';
    const open = (credentials?: Credentials) => {
      const config = clientConfig(account(), credentials);
      const client = new DynamoDBClient(config);
      const table = openTable({ client, tableName: TABLE, clock: systemClock, random: systemRandom });
      const pools = openUserPools(new CognitoIdentityProviderClient(config), {
        prefix: 'rights',
        random: systemRandom,
      });
      const vault = openPasswordVault(new KMSClient(config), keyArn);
      return { table, vault, identity: openIdentity({ table, clock: systemClock, pools, vault, region: REGION }) };
    };
    asRoot = open();
    const tableArn = `arn:aws:dynamodb:${REGION}:${ACCOUNT_ID}:table/${TABLE}`;
    const role = await assumeNewRole(account(), 'registrations', statements(tableArn, keyArn));
    asRole = open(role);
    db = new DynamoDBClient(clientConfig(account(), role));
    const item = (pk: string) => put({ pk, sk: 'x', version: 1, data: {} });
    await asRoot.table.transact([...KEYS, ...FOREIGN].map(item));
  });

  const key = (pk: string) => ({ pk: { S: pk }, sk: { S: 'x' } });
  const denied = { name: expect.stringMatching(/AccessDenied/) };
  const refuse = (sent: Promise<unknown>) => expect(sent).rejects.toMatchObject(denied);
  const on = (pk: string) => ({ TableName: TABLE, Key: key(pk) });
  const puts = (pk: string) => ({ TableName: TABLE, Item: key(pk) });

  test('ON-2: finds a taken email and leaves a password that the administrator then has, as a registration does', async () => {
    const user = {
      userName: 'a@acme.example',
      email: 'a@acme.example',
      role: 'TenantAdmin',
      tenantId: 'acme0001',
    } as const;
    await asRoot.identity.ensureRealm({ id: 'pool', displayName: 'Tierplane' });
    expect(await asRole.identity.emailTaken('pool', user.email)).toBe(false);
    await asRole.table.transact([await asRole.identity.stagedPassword(user.tenantId, user.email, 'Correct-horse-1')]);
    const created = await asRoot.identity.createUser('pool', user);
    expect(created.status).toBe('CONFIRMED');
    expect(await asRole.identity.emailTaken('pool', user.email)).toBe(true);
  });

  test('SE-2: reads email#pool by key and puts staged-password#..., alone and in a transaction', async () => {
    expect((await db.send(new GetItemCommand(on('email#pool')))).Item).toBeDefined();
    await db.send(new PutItemCommand(puts('staged-password#t1')));
    await db.send(new TransactWriteItemsCommand({ TransactItems: [{ Put: puts('staged-password#t2') }] }));
  });

  test.each([...FOREIGN, 'staged-password#t1'])('SE-2: cannot read %s', async (pk) => {
    await refuse(db.send(new GetItemCommand(on(pk))));
    await refuse(db.send(new TransactGetItemsCommand({ TransactItems: [{ Get: on(pk) }] })));
  });

  test.each([...FOREIGN, 'email#pool'])(
    'SE-2: cannot put %s, and nothing of a transaction with it happens',
    async (pk) => {
      await refuse(db.send(new PutItemCommand(puts(pk))));
      const both = [{ Put: puts('staged-password#beside') }, { Put: puts(pk) }];
      await refuse(db.send(new TransactWriteItemsCommand({ TransactItems: both })));
      expect(await asRoot.table.get({ pk: 'staged-password#beside', sk: 'x' })).toBeUndefined();
    },
  );

  test.each(KEYS)('SE-2: cannot do anything else with %s', async (pk) => {
    const KeyConditionExpression = 'pk = :pk';
    const query = { KeyConditionExpression, ExpressionAttributeValues: { ':pk': { S: pk } } };
    const index = { ...query, IndexName: 'index-g1', KeyConditionExpression: 'g1pk = :pk' };
    await refuse(db.send(new QueryCommand({ TableName: TABLE, ...query })));
    await refuse(db.send(new QueryCommand({ TableName: TABLE, ...index })));
    await refuse(db.send(new DeleteItemCommand(on(pk))));
    const change = { UpdateExpression: 'SET v = :v', ExpressionAttributeValues: { ':v': { N: '2' } } };
    await refuse(db.send(new UpdateItemCommand({ ...on(pk), ...change })));
    await refuse(db.send(new TransactWriteItemsCommand({ TransactItems: [{ Delete: on(pk) }] })));
    const check = { ...on(pk), ConditionExpression: 'attribute_exists(pk)' };
    await refuse(db.send(new TransactWriteItemsCommand({ TransactItems: [{ ConditionCheck: check }] })));
    await refuse(db.send(new BatchGetItemCommand({ RequestItems: { [TABLE]: { Keys: [key(pk)] } } })));
    const write = { PutRequest: { Item: key(pk) } };
    await refuse(db.send(new BatchWriteItemCommand({ RequestItems: { [TABLE]: [write] } })));
    await refuse(db.send(new ExecuteStatementCommand({ Statement: `SELECT * FROM "${TABLE}" WHERE pk = '${pk}'` })));
  });

  test('SE-2: cannot scan or describe the table, nor use another table with the same keys', async () => {
    await refuse(db.send(new ScanCommand({ TableName: TABLE })));
    await refuse(db.send(new DescribeTableCommand({ TableName: TABLE })));
    await refuse(db.send(new GetItemCommand({ ...on('email#pool'), TableName: OTHER })));
    await refuse(db.send(new PutItemCommand({ ...puts('staged-password#t1'), TableName: OTHER })));
  });

  test('SE-2: seals passwords, and cannot open one', async () => {
    const sealed = await asRole.vault.seal('acme0002', 'Correct-horse-1');
    expect(await asRoot.vault.open('acme0002', sealed)).toBe('Correct-horse-1');
    await expect(asRole.vault.open('acme0002', sealed)).rejects.toMatchObject({ cause: denied });
  });
});
