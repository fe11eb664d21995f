import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { beforeAll, expect, test } from '@jest/globals';
import { openIdentity } from '../../../../adapters/aws/identity/identity.ts';
import { openPasswordVault } from '../../../../adapters/aws/identity/password-vault.ts';
import { openUserPools } from '../../../../adapters/aws/identity/user-pool.ts';
import { openTable } from '../../../../adapters/aws/store/table.ts';
import { systemClock, systemRandom } from '../../../../adapters/shared/clock.ts';
import { withdrawnPassword } from '../../../../core/identity/users/user-creation.ts';
import { emailKey, stagedKey, userKey, usersOf } from '../../../../core/identity/users/user-records.ts';
import type { FirstAdministrators, Identity } from '../../../../core/ports/identity.ts';
import { type Key, put, type Table } from '../../../../core/ports/table.ts';
import { ACCOUNT_ID, REGION } from '../../../../rehearsal/emulated-account.ts';
import type { Statement } from '../../../../tenant-templates/data-role.ts';
import { type Credentials, clientConfig, createTable, describeInAccount } from '../../../rehearsal/account.ts';
import { assumeNewRole } from '../store/roles.ts';

const TABLE = 'app-plane';
const TENANT = 'aaaaaaaa0000000000000000aa';
const EMAIL = 'boss@acme.example';
const PASSWORD = 'Correct-horse-7';

function allow(action: string, operator: 'StringEquals' | 'StringLike', key: string): Statement {
  return {
    Effect: 'Allow',
    Action: [`dynamodb:${action}`],
    Resource: [`arn:aws:dynamodb:${REGION}:${ACCOUNT_ID}:table/${TABLE}`],
    Condition: {
      [`ForAllValues:${operator}`]: { 'dynamodb:LeadingKeys': [key] },
      Null: { 'dynamodb:LeadingKeys': 'false' },
    },
  };
}

/** A key without the type of its data. */
function plain({ pk, sk }: Key): Key {
  return { pk, sk };
}

describeInAccount('the control plane and the users of the application plane in the emulated account', (account) => {
  let root: Table;
  /** The application plane's own. */
  let users: Identity;
  /** With the rights of the control plane's function. */
  let table: Table;
  let administrators: FirstAdministrators;

  async function identityOver(over: Table, keyId: string, credentials?: Credentials): Promise<Identity> {
    const config = clientConfig(account(), credentials);
    return openIdentity({
      ...{ table: over, clock: systemClock, region: REGION },
      pools: openUserPools(new CognitoIdentityProviderClient(config), { prefix: 'admins', random: systemRandom }),
      vault: openPasswordVault(new KMSClient(config), keyId),
    });
  }

  beforeAll(async () => {
    root = await createTable(new DynamoDBClient(clientConfig(account())), TABLE);
    const { KeyMetadata } = await new KMSClient(clientConfig(account())).send(new CreateKeyCommand({}));
    const keyId = KeyMetadata?.Arn ?? '';
    users = await identityOver(root, keyId);
    await users.ensureRealm({ id: 'pool', displayName: 'Pool' });
    const credentials = await assumeNewRole(account(), 'registrations', [
      allow('GetItem', 'StringEquals', 'email#pool'),
      allow('PutItem', 'StringLike', 'staged-password#*'),
      { Effect: 'Allow', Action: ['kms:Encrypt'], Resource: [keyId] },
    ]);
    const client = new DynamoDBClient(clientConfig(account(), credentials));
    table = openTable({ client, tableName: TABLE, clock: systemClock, random: systemRandom, tenantScoped: true });
    administrators = { table, identity: await identityOver(table, keyId, credentials) };
  });

  test('ON-2: two rights are enough to stage a password, to withdraw it, and to check an email', async () => {
    const { identity } = administrators;
    const admin = { userName: EMAIL, email: EMAIL, role: 'TenantAdmin', tenantId: TENANT };
    await expect(identity.emailTaken('pool', EMAIL)).resolves.toBe(false);
    await table.transact([await identity.stagedPassword(TENANT, EMAIL, PASSWORD)]);
    await table.transact([withdrawnPassword(TENANT, systemClock.now())]);
    expect(await root.get(stagedKey(TENANT))).toBeUndefined();
    await table.transact([await identity.stagedPassword(TENANT, EMAIL, PASSWORD)]);
    await expect(users.createUser('pool', admin)).resolves.toMatchObject({ status: 'CONFIRMED' });
    await expect(identity.emailTaken('pool', EMAIL)).resolves.toBe(true);
    await users.updateUser('pool', EMAIL, { email: 'other@acme.example' });
    await expect(identity.emailTaken('pool', EMAIL)).resolves.toBe(true);
  });

  test('SE-1.6: they allow nothing else: no user, no stored password, no other realm, no list, no deletion', async () => {
    const denied = { code: 'ACCESS_DENIED', cause: { name: 'AccessDeniedException' } };
    const staged = plain(stagedKey(TENANT));
    const email = plain(emailKey('pool', EMAIL));
    const user = plain(userKey('pool', EMAIL));
    const item = { version: 1, data: {} };
    for (const key of [user, staged, plain(emailKey('admin', EMAIL)), { pk: 'email#pool2', sk: 'x' }]) {
      await expect(table.get(key)).rejects.toMatchObject(denied);
    }
    for (const query of [{ pk: email.pk }, { pk: staged.pk }, usersOf('pool', TENANT)]) {
      await expect(table.query({ ...query, limit: 10 })).rejects.toMatchObject(denied);
    }
    for (const key of [email, user, { pk: 'staged-password', sk: 'x' }]) {
      await expect(table.transact([put({ ...key, ...item })])).rejects.toMatchObject(denied);
      const mixed = [put({ ...staged, ...item }), put({ ...key, ...item })];
      await expect(table.transact(mixed)).rejects.toMatchObject(denied);
    }
    await expect(table.transact([{ delete: staged }])).rejects.toMatchObject(denied);
    await expect(table.transact([{ check: email, if: 'present' }])).rejects.toMatchObject(denied);
  });
});
