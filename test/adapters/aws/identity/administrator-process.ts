import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import { functionClock as clock } from '../../../../adapters/aws/clock.ts';
import { openIdentity } from '../../../../adapters/aws/identity/identity.ts';
import { openPasswordVault } from '../../../../adapters/aws/identity/password-vault.ts';
import { openUserPools } from '../../../../adapters/aws/identity/user-pool.ts';
import { openTable } from '../../../../adapters/aws/store/table.ts';
import { systemRandom as random } from '../../../../adapters/shared/clock.ts';
import { REGION } from '../../../../rehearsal/emulated-account.ts';
import { serveDemotions } from '../../contract/administrator-process.ts';

/** `node administrator-process.ts TABLE`: an administrator's process over the table and the user pools of the account. */
const [, , tableName = ''] = process.argv;
const identity = openIdentity({
  table: openTable({ client: new DynamoDBClient(), tableName, clock, random }),
  ...{ clock, region: REGION },
  pools: openUserPools(new CognitoIdentityProviderClient(), { prefix: tableName, random }),
  vault: openPasswordVault(new KMSClient(), 'unused'),
});
await serveDemotions(identity);
