import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { SESv2Client } from '@aws-sdk/client-sesv2';
import { openAccountPages } from '../../adapters/aws/identity/open-account-pages.ts';
import { functionLog as log } from '../../adapters/aws/log.ts';
import { openMailer } from '../../adapters/aws/mail/mailer.ts';
import { readAccountsEnvironment } from './environment.ts';
import { openStore } from './store.ts';

/** The account pages of system users: forgotten password, own password, signing out everywhere. */
const environment = readAccountsEnvironment(process.env);

export const handler = openAccountPages({
  ...openStore(environment),
  log,
  cognito: new CognitoIdentityProviderClient(),
  mailer: openMailer(new SESv2Client(), environment.TIERPLANE_SENDER),
  region: environment.AWS_REGION,
  serves: (realm) => realm === 'admin',
  // System users belong to no tenant.
  tenantClaims: async () => undefined,
  passwordClientId: environment.TIERPLANE_PASSWORD_CLIENT,
  publicUrl: environment.TIERPLANE_ACCOUNTS_URL,
  signInUrl: environment.TIERPLANE_ADMIN_URL,
});
