import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { openIdentity } from '../../../../adapters/aws/identity/identity.ts';
import { openPasswordVault } from '../../../../adapters/aws/identity/password-vault.ts';
import { openUserPools } from '../../../../adapters/aws/identity/user-pool.ts';
import { systemClock, systemRandom } from '../../../../adapters/shared/clock.ts';
import { REGION } from '../../../../rehearsal/emulated-account.ts';
import { clientConfig, createTable, describeInAccount } from '../../../rehearsal/account.ts';
import { identityContract } from '../../contract/identity.suite.ts';

describeInAccount('an emulated account', (account) => {
  identityContract('Cognito', async () => {
    const config = clientConfig(account());
    const kms = new KMSClient(config);
    const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
    const table = await createTable(new DynamoDBClient(config), 'identity');
    const identity = openIdentity({
      table,
      pools: openUserPools(new CognitoIdentityProviderClient(config), { prefix: 'contract', random: systemRandom }),
      vault: openPasswordVault(kms, KeyMetadata?.KeyId ?? ''),
      clock: systemClock,
      region: REGION,
    });
    return { identity, table, close: async () => {} };
  });
});
