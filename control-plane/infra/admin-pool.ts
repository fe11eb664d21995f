import { CognitoAuth } from '@cdklabs/sbt-aws';
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { type CfnUserPool, type CfnUserPoolClient, ClientAttributes, OAuthScope } from 'aws-cdk-lib/aws-cognito';
import type { Construct } from 'constructs';
import { ADMIN_SCOPES, LOOPBACK_PORTS, loopbackRedirect, PASSWORD_CLIENT } from '../../core/identity/issuers.ts';
import { mailTemplates } from '../../core/identity/mail-templates.ts';
import { MIN_ADMIN_PASSWORD_LENGTH } from '../../core/identity/password-policy.ts';

export interface AdminPool {
  readonly auth: CognitoAuth;
  readonly automationClientId: string;
  /** The client whose sign-ins prove a current password. Only callers with permissions of IAM can use it. */
  readonly passwordClientId: string;
}

export interface AdminPoolProps {
  /** The addresses that managed login may redirect to with a code. */
  readonly callbackUrls: readonly [string, ...string[]];
  /** 'required' makes every administrator use a second factor. @default 'optional' - each administrator decides */
  readonly mfa?: 'optional' | 'required';
}

/**
 * SBT's user pool for system administrators, with stricter settings: no implicit flow, no sign-in by password through the
 * API, no user-writable attribute that grants a permission, longer passwords, a second factor, and short-lived tokens. The
 * pool remains when the stack is deleted.
 */
export function adminPool(scope: Construct, id: string, { callbackUrls, mfa = 'optional' }: AdminPoolProps): AdminPool {
  const auth = new CognitoAuth(scope, id, { controlPlaneCallbackURL: callbackUrls[0] });
  const pool = auth.userPool.node.defaultChild as CfnUserPool;
  pool.applyRemovalPolicy(RemovalPolicy.RETAIN);
  pool.deletionProtection = 'ACTIVE';
  // SBT turns on threat protection, which only this plan includes.
  pool.userPoolTier = 'PLUS';
  pool.usernameConfiguration = { caseSensitive: false };
  pool.mfaConfiguration = mfa === 'required' ? 'ON' : 'OPTIONAL';
  pool.enabledMfas = ['SOFTWARE_TOKEN_MFA'];
  // The account pages mail a link instead. Cognito's own way is valid for longer, and ends no sessions.
  pool.addPropertyOverride('AccountRecoverySetting.RecoveryMechanisms', [{ Name: 'admin_only', Priority: 1 }]);
  pool.addPropertyOverride('Policies.PasswordPolicy.MinimumLength', MIN_ADMIN_PASSWORD_LENGTH);
  pool.addPropertyOverride('Policies.PasswordPolicy.TemporaryPasswordValidityDays', 7);
  // SBT's invitation contains the callback address, where no one can sign in.
  const { invitation, forgottenPassword } = mailTemplates('the administration of Tierplane');
  pool.addPropertyOverride('AdminCreateUserConfig.InviteMessageTemplate', {
    EmailSubject: invitation.subject,
    EmailMessage: invitation.html,
  });
  pool.addPropertyOverride('VerificationMessageTemplate.EmailSubject', forgottenPassword.subject);
  pool.addPropertyOverride('VerificationMessageTemplate.EmailMessage', forgottenPassword.html);
  pool.addPropertyDeletionOverride('EmailVerificationSubject');
  pool.addPropertyDeletionOverride('EmailVerificationMessage');

  const client = auth.node.findChild('UserPoolUserClient').node.defaultChild as CfnUserPoolClient;
  client.allowedOAuthFlows = ['code'];
  client.explicitAuthFlows = ['ALLOW_REFRESH_TOKEN_AUTH'];
  client.callbackUrLs = [...callbackUrls, ...LOOPBACK_PORTS.map(loopbackRedirect)];
  client.logoutUrLs = [...callbackUrls];
  // Cognito requires that a client can write required attributes. No scope allows a user to do so.
  client.writeAttributes = ['email'];
  client.readAttributes = ['email', 'email_verified'];
  client.preventUserExistenceErrors = 'ENABLED';
  client.enableTokenRevocation = true;
  client.accessTokenValidity = 10;
  client.idTokenValidity = 10;
  client.refreshTokenValidity = 1;
  client.tokenValidityUnits = { accessToken: 'minutes', idToken: 'minutes', refreshToken: 'days' };
  return { auth, automationClientId: automationClient(auth), passwordClientId: passwordClient(auth) };
}

/**
 * The confidential client with which scripts use the API. Its secret stays in Cognito, where IAM decides who can read it.
 * @returns its id, whose tokens the API's authorizer accepts
 */
function automationClient(auth: CognitoAuth): string {
  const { userPoolClientId, node } = auth.userPool.addClient('AutomationClient', {
    generateSecret: true,
    accessTokenValidity: Duration.minutes(10),
    enableTokenRevocation: true,
    oAuth: { flows: { clientCredentials: true }, scopes: ADMIN_SCOPES.map((scope) => OAuthScope.custom(scope)) },
  });
  const client = node.defaultChild as CfnUserPoolClient;
  client.explicitAuthFlows = ['ALLOW_REFRESH_TOKEN_AUTH'];
  // The scopes exist once their resource servers do.
  for (const id of ['UserResourceServer', 'TenantResourceServer']) {
    node.addDependency(auth.userPool.node.findChild(id));
  }
  auth.jwtAudience.push(userPoolClientId);
  return userPoolClientId;
}

/** Its tokens never leave the function that changes passwords, and the API's authorizer does not accept them. @returns its id */
function passwordClient({ userPool }: CognitoAuth): string {
  const { userPoolClientId } = userPool.addClient('PasswordClient', {
    userPoolClientName: PASSWORD_CLIENT,
    generateSecret: false,
    disableOAuth: true,
    authFlows: { adminUserPassword: true },
    preventUserExistenceErrors: true,
    enableTokenRevocation: true,
    accessTokenValidity: Duration.minutes(5),
    idTokenValidity: Duration.minutes(5),
    refreshTokenValidity: Duration.hours(1),
    readAttributes: new ClientAttributes().withStandardAttributes({ email: true }),
    writeAttributes: new ClientAttributes().withStandardAttributes({ email: true }),
  });
  return userPoolClientId;
}
