import { Duration, Fn, RemovalPolicy, Stack, Tags } from 'aws-cdk-lib';
import {
  AccountRecovery,
  ClientAttributes,
  FeaturePlan,
  type IUserPool,
  LambdaVersion,
  Mfa,
  OAuthScope,
  UserPool,
  UserPoolClientIdentityProvider,
  UserPoolOperation,
} from 'aws-cdk-lib/aws-cognito';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { NagSuppressions } from 'cdk-nag';
import { Construct } from 'constructs';
import { APP_CLIENT, LOOPBACK_PORTS, loopbackRedirect, USER_POOL_TAG } from '../../../core/identity/issuers.ts';
import { mailTemplates } from '../../../core/identity/mail-templates.ts';
import { MIN_PASSWORD_LENGTH } from '../../../core/identity/password-policy.ts';
import type { PooledUserPool } from './shared-infra.ts';

export interface PooledUsersProps {
  /** `tierplane-<environment>`. */
  readonly prefix: string;
  /** The address that managed login may redirect to, besides the command line's. */
  readonly siteUrl: string;
  readonly preToken: IFunction;
  readonly customMessage: IFunction;
}

/**
 * The user pool of all tenants that have none of their own. Name and settings are those that the adapter gives to the pools of
 * tenants with their own (adapters/aws/identity/user-pool.ts), which finds this one by its name. It remains when the stack is deleted.
 */
export class PooledUsers extends Construct implements PooledUserPool {
  readonly userPool: IUserPool;
  readonly clientId: string;
  readonly signInUrl: string;
  readonly issuer: string;

  constructor(scope: Construct, id: string, props: PooledUsersProps) {
    super(scope, id);
    const pool = userPool(this, props);
    const { region, stackId } = Stack.of(this);
    // Domains are unique in the region, over all accounts. The end of the stack's id is a random number.
    const unique = Fn.select(4, Fn.split('-', Fn.select(2, Fn.split('/', stackId))));
    const domain = pool.addDomain('Domain', { cognitoDomain: { domainPrefix: `tierplane-${unique}` } });
    this.userPool = pool as IUserPool;
    this.clientId = client(pool, props.siteUrl);
    this.signInUrl = domain.baseUrl();
    this.issuer = `https://cognito-idp.${region}.amazonaws.com/${pool.userPoolId}`;
  }
}

function userPool(scope: Construct, { prefix, preToken, customMessage }: PooledUsersProps): UserPool {
  const { invitation, forgottenPassword } = mailTemplates('Tierplane');
  const pool = new UserPool(scope, 'UserPool', {
    userPoolName: `${prefix}-pool`,
    // The lowest plan whose trigger may add claims to access tokens.
    featurePlan: FeaturePlan.ESSENTIALS,
    selfSignUpEnabled: false,
    signInAliases: { username: true },
    signInCaseSensitive: false,
    autoVerify: { email: true },
    // The account pages mail a link instead. Cognito's own way is valid for longer, and ends no sessions.
    accountRecovery: AccountRecovery.NONE,
    mfa: Mfa.OPTIONAL,
    mfaSecondFactor: { otp: true, sms: false },
    passwordPolicy: {
      minLength: MIN_PASSWORD_LENGTH,
      ...{ requireLowercase: true, requireUppercase: true, requireDigits: true, requireSymbols: true },
      tempPasswordValidity: Duration.days(7),
    },
    userInvitation: { emailSubject: invitation.subject, emailBody: invitation.html },
    userVerification: { emailSubject: forgottenPassword.subject, emailBody: forgottenPassword.html },
    deletionProtection: true,
    removalPolicy: RemovalPolicy.RETAIN,
  });
  pool.addTrigger(UserPoolOperation.PRE_TOKEN_GENERATION_CONFIG, preToken, LambdaVersion.V2_0);
  pool.addTrigger(UserPoolOperation.CUSTOM_MESSAGE, customMessage);
  Tags.of(pool).add(USER_POOL_TAG, prefix);
  NagSuppressions.addResourceSuppressions(pool, [
    { id: 'AwsSolutions-COG2', reason: 'Each user of a tenant decides about a second factor.' },
    { id: 'AwsSolutions-COG8', reason: 'The plan Plus has a price per user; docs/cost.md compares the plans.' },
  ]);
  return pool;
}

/** A public client: code with PKCE. @returns its id */
function client(pool: UserPool, siteUrl: string): string {
  const { userPoolClientId } = pool.addClient('App', {
    userPoolClientName: APP_CLIENT,
    generateSecret: false,
    // This flow requires IAM permissions. The function tenant-users checks a user's current password with it.
    authFlows: { adminUserPassword: true },
    supportedIdentityProviders: [UserPoolClientIdentityProvider.COGNITO],
    preventUserExistenceErrors: true,
    enableTokenRevocation: true,
    accessTokenValidity: Duration.minutes(10),
    idTokenValidity: Duration.minutes(10),
    refreshTokenValidity: Duration.days(30),
    oAuth: {
      flows: { authorizationCodeGrant: true },
      scopes: [OAuthScope.OPENID, OAuthScope.EMAIL],
      callbackUrls: [siteUrl, ...LOOPBACK_PORTS.map(loopbackRedirect)],
      logoutUrls: [siteUrl],
    },
    readAttributes: new ClientAttributes().withStandardAttributes({ email: true, emailVerified: true, fullname: true }),
    // Users can write only an attribute that no decision relies on.
    writeAttributes: new ClientAttributes().withStandardAttributes({ fullname: true }),
  });
  return userPoolClientId;
}
