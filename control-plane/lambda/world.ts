import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { KMSClient } from '@aws-sdk/client-kms';
import { SESv2Client } from '@aws-sdk/client-sesv2';
import { SQSClient } from '@aws-sdk/client-sqs';
import { functionClock as clock, systemRandom as random } from '../../adapters/aws/clock.ts';
import { openEventBus } from '../../adapters/aws/event-bus.ts';
import { openIdentity } from '../../adapters/aws/identity.ts';
import { openMailer } from '../../adapters/aws/mailer.ts';
import { openPasswordVault } from '../../adapters/aws/password-vault.ts';
import { openTable } from '../../adapters/aws/table.ts';
import { openUserPools } from '../../adapters/aws/user-pool.ts';
import type { EventBus } from '../../core/ports/event-bus.ts';
import type { Identity } from '../../core/ports/identity.ts';
import type { Table } from '../../core/ports/table.ts';
import type { StoreDeps } from '../api/deps.ts';
import type { Environment } from './environment.ts';
import { functionLog as log } from './log.ts';

/** The adapters of the AWS home as a function uses them. Clients are made once per process and kept warm. */
export function openStore({ TIERPLANE_TABLE: tableName }: Environment): StoreDeps {
  return { table: openTable({ client: new DynamoDBClient(), tableName, clock, random }), clock, random };
}

export function openBus(environment: Environment, table: Table): EventBus {
  return openEventBus({
    events: new EventBridgeClient(),
    sqs: new SQSClient(),
    busName: environment.TIERPLANE_BUS,
    queuePrefix: `${environment.TIERPLANE_PREFIX}-`,
    ...{ table, clock, random, log },
  });
}

export function openUsers(environment: Environment, table: Table): Identity {
  return openIdentity({
    table,
    clock,
    pools: openUserPools(new CognitoIdentityProviderClient(), environment.TIERPLANE_PREFIX),
    vault: openPasswordVault(new KMSClient(), environment.TIERPLANE_PASSWORD_KEY),
    region: environment.AWS_REGION,
    madePools: {
      admin: { userPoolId: environment.TIERPLANE_ADMIN_POOL, clientId: environment.TIERPLANE_ADMIN_CLIENT },
    },
  });
}

export function openMail({ TIERPLANE_SENDER: sender }: Environment) {
  return openMailer(new SESv2Client(), sender);
}
