import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SESv2Client } from '@aws-sdk/client-sesv2';
import { functionClock as clock } from '../../adapters/aws/clock.ts';
import { openAccountPages } from '../../adapters/aws/identity/open-account-pages.ts';
import { functionLog as log } from '../../adapters/aws/log.ts';
import { openMailer } from '../../adapters/aws/mail/mailer.ts';
import { openTable } from '../../adapters/aws/store/table.ts';
import { systemRandom as random } from '../../adapters/shared/clock.ts';
import { readEnvironment } from './environment.ts';
import { createRealmAuthorize } from './realm-authorize.ts';
import { tenantClaims } from './tenant-claims.ts';

/** The account pages of tenants' users: forgotten password, own password, signing out everywhere. */
const environment = readEnvironment(process.env, [
  'AWS_REGION',
  'TIERPLANE_TABLE',
  'TIERPLANE_ACCOUNTS_URL',
  'TIERPLANE_APP_URL',
  'TIERPLANE_SENDER',
]);
const table = openTable({ client: new DynamoDBClient(), tableName: environment.TIERPLANE_TABLE, clock, random });

export const handler = openAccountPages({
  ...{ table, clock, random, log },
  cognito: new CognitoIdentityProviderClient(),
  mailer: openMailer(new SESv2Client(), environment.TIERPLANE_SENDER),
  region: environment.AWS_REGION,
  serves: (realm) => realm !== 'admin',
  authorize: createRealmAuthorize(table, clock, process.env.AWS_ENDPOINT_URL),
  tenantClaims: (tenantId) => tenantClaims(table, tenantId),
  publicUrl: environment.TIERPLANE_ACCOUNTS_URL,
  signInUrl: environment.TIERPLANE_APP_URL,
});
