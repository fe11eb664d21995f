import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { SESv2Client } from '@aws-sdk/client-sesv2';
import { issuerOfPool } from '../../adapters/aws/identity/issuer-record.ts';
import { keySetOf } from '../../adapters/aws/identity/key-set.ts';
import { openAccountPages } from '../../adapters/aws/identity/open-account-pages.ts';
import { functionLog as log } from '../../adapters/aws/log.ts';
import { openMailer } from '../../adapters/aws/mail/mailer.ts';
import { createSignature } from '../../adapters/shared/identity/signature.ts';
import { createAuthorize, type TrustedIssuer } from '../../core/identity/authorize.ts';
import { readAccountsEnvironment } from './environment.ts';
import { openStore } from './store.ts';

/** The account pages of system users: forgotten password, own password, signing out everywhere. */
const environment = readAccountsEnvironment(process.env);
const store = openStore(environment);
const issuer = issuerOfPool(environment.AWS_REGION, environment.TIERPLANE_ADMIN_POOL);
const trusted: TrustedIssuer = { issuer, realm: 'admin', clientIds: [environment.TIERPLANE_ADMIN_CLIENT] };
const signature = createSignature({
  jwksUri: (one) => keySetOf({ issuer: one }, process.env.AWS_ENDPOINT_URL),
  clock: store.clock,
});

export const handler = openAccountPages({
  ...store,
  log,
  cognito: new CognitoIdentityProviderClient(),
  mailer: openMailer(new SESv2Client(), environment.TIERPLANE_SENDER),
  region: environment.AWS_REGION,
  serves: (realm) => realm === 'admin',
  authorize: createAuthorize({
    issuers: (iss) => (iss === issuer ? trusted : undefined),
    verifySignature: signature.verify,
    clock: store.clock,
  }),
  // System users belong to no tenant.
  tenantClaims: async () => undefined,
  passwordClientId: environment.TIERPLANE_PASSWORD_CLIENT,
  publicUrl: environment.TIERPLANE_ACCOUNTS_URL,
  signInUrl: environment.TIERPLANE_ADMIN_URL,
});
