import {
  CognitoIdentityProviderClient,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { CreateEmailIdentityCommand, SESv2Client } from '@aws-sdk/client-sesv2';
import { SQSClient } from '@aws-sdk/client-sqs';
import { type AwsEventBus, openEventBus } from '../../../adapters/aws/events/event-bus.ts';
import { openIdentity } from '../../../adapters/aws/identity/identity.ts';
import { openPasswordVault } from '../../../adapters/aws/identity/password-vault.ts';
import { openUserPools } from '../../../adapters/aws/identity/user-pool.ts';
import { systemClock, systemRandom } from '../../../adapters/shared/clock.ts';
import type { Identity } from '../../../core/ports/identity.ts';
import type { Table } from '../../../core/ports/table.ts';
import { type EmulatedAccount, REGION } from '../../../rehearsal/emulated-account.ts';
import { createBus } from '../../adapters/aws/events/consumer-queues.ts';
import { clientConfig, createTable } from '../../rehearsal/account.ts';
import { silentLog } from '../../support/silent-log.ts';

export const MACHINE_CLIENT = 'machine-client';
export const AUTOMATION_CLIENT = 'automation-client';
export const ADMIN_CLIENT = 'admin-client';

/** The resources that the stack creates for the control plane's functions. */
export interface LambdaWorld {
  /** The environment variables of a function. */
  readonly environment: Readonly<Record<string, string>>;
  readonly table: Table;
  readonly identity: Identity;
  /** Creates rules and queues for consumers as they subscribe. */
  readonly bus: AwsEventBus;
}

/** @param name the name of table, bus and pool, unique within the account */
export async function createLambdaWorld(account: EmulatedAccount, name: string): Promise<LambdaWorld> {
  const config = clientConfig(account);
  const table = await createTable(new DynamoDBClient(config), name);
  const cognito = new CognitoIdentityProviderClient(config);
  const { UserPool } = await cognito.send(
    new CreateUserPoolCommand({ PoolName: name, UsernameConfiguration: { CaseSensitive: false } }),
  );
  const userPoolId = UserPool?.Id ?? '';
  await cognito.send(new CreateUserPoolClientCommand({ UserPoolId: userPoolId, ClientName: ADMIN_CLIENT }));
  const kms = new KMSClient(config);
  const keyId = (await kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? '';
  const sender = `${name}@platform.example`;
  await new SESv2Client(config).send(new CreateEmailIdentityCommand({ EmailIdentity: sender }));

  const events = new EventBridgeClient(config);
  const sqs = new SQSClient(config);
  const bus = openEventBus({
    ...{ table, events, sqs, busName: name, clock: systemClock, random: systemRandom, log: silentLog },
    ...{ waitSeconds: 1, retryBaseSeconds: 1, retryMaxSeconds: 1 },
    ...(await createBus(events, sqs, name)),
  });
  const identity = openIdentity({
    ...{ table, clock: systemClock, region: REGION },
    pools: openUserPools(cognito, { prefix: name, random: systemRandom }),
    vault: openPasswordVault(kms, keyId),
    stackPools: { admin: { userPoolId, clientId: ADMIN_CLIENT } },
  });
  return {
    ...{ table, identity, bus },
    environment: {
      ...account.environment,
      TIERPLANE_TABLE: name,
      TIERPLANE_APP_PLANE_TABLE: name,
      TIERPLANE_BUS: name,
      TIERPLANE_PREFIX: name,
      TIERPLANE_ADMIN_POOL: userPoolId,
      TIERPLANE_ADMIN_CLIENT: ADMIN_CLIENT,
      TIERPLANE_MACHINE_CLIENT: MACHINE_CLIENT,
      TIERPLANE_AUTOMATION_CLIENT: AUTOMATION_CLIENT,
      TIERPLANE_PASSWORD_KEY: keyId,
      TIERPLANE_SENDER: sender,
      TIERPLANE_APP_URL: 'https://app.example.com',
      TIERPLANE_RESERVED_NAMES: 'www,admin',
    },
  };
}
