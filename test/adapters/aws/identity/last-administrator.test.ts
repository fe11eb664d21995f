import { join } from 'node:path';
import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import { openIdentity } from '../../../../adapters/aws/identity/identity.ts';
import { openPasswordVault } from '../../../../adapters/aws/identity/password-vault.ts';
import { openUserPools } from '../../../../adapters/aws/identity/user-pool.ts';
import { systemClock, systemRandom } from '../../../../adapters/shared/clock.ts';
import { REGION } from '../../../../rehearsal/emulated-account.ts';
import { clientConfig, createTable, describeInAccount } from '../../../rehearsal/account.ts';
import { lastAdministratorContract } from '../../contract/last-administrator.suite.ts';

const TABLE = 'administrators';

describeInAccount('an emulated account', (account) => {
  lastAdministratorContract('DynamoDB', 20, async () => {
    const config = clientConfig(account());
    const identity = openIdentity({
      table: await createTable(new DynamoDBClient(config), TABLE),
      pools: openUserPools(new CognitoIdentityProviderClient(config), { prefix: TABLE, random: systemRandom }),
      vault: openPasswordVault(new KMSClient(config), 'unused'),
      ...{ clock: systemClock, region: REGION },
    });
    await identity.ensureRealm({ id: 'pool', displayName: 'Pool' });
    return {
      identity,
      program: ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'administrator-process.ts'), TABLE],
      environment: account().environment,
      close: async () => {},
    };
  });
});
