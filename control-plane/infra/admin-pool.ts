import { CognitoAuth } from '@cdklabs/sbt-aws';
import { RemovalPolicy } from 'aws-cdk-lib';
import type { CfnUserPool, CfnUserPoolClient } from 'aws-cdk-lib/aws-cognito';
import type { Construct } from 'constructs';
import { MIN_ADMIN_PASSWORD_LENGTH } from '../../core/identity/password-policy.ts';

export interface AdminPoolProps {
  /** Where managed login may send a code. */
  readonly callbackUrls: readonly [string, ...string[]];
  /** 'required' asks every admin for a second factor. @default 'optional' - each admin decides */
  readonly mfa?: 'optional' | 'required';
}

/**
 * SBT's user pool of system admins, with what is weak in it overridden: no implicit flow, no password sent to the API, no
 * attribute a user could write into a right, longer passwords, a second factor, short tokens. It outlives the stack.
 */
export function adminPool(
  scope: Construct,
  id: string,
  { callbackUrls, mfa = 'optional' }: AdminPoolProps,
): CognitoAuth {
  const auth = new CognitoAuth(scope, id, { controlPlaneCallbackURL: callbackUrls[0] });
  const pool = auth.userPool.node.defaultChild as CfnUserPool;
  pool.applyRemovalPolicy(RemovalPolicy.RETAIN);
  pool.deletionProtection = 'ACTIVE';
  // Threat protection, which SBT turns on, is part of this plan only.
  pool.userPoolTier = 'PLUS';
  pool.usernameConfiguration = { caseSensitive: false };
  pool.mfaConfiguration = mfa === 'required' ? 'ON' : 'OPTIONAL';
  pool.enabledMfas = ['SOFTWARE_TOKEN_MFA'];
  pool.addPropertyOverride('Policies.PasswordPolicy.MinimumLength', MIN_ADMIN_PASSWORD_LENGTH);
  pool.addPropertyOverride('Policies.PasswordPolicy.TemporaryPasswordValidityDays', 7);
  // SBT's names the callback address, where nobody can sign in.
  pool.addPropertyOverride('AdminCreateUserConfig.InviteMessageTemplate', {
    EmailSubject: 'Your invitation to administer Tierplane',
    EmailMessage: 'Sign in within 7 days, as {username} with the temporary password {####}',
  });

  const client = auth.node.findChild('UserPoolUserClient').node.defaultChild as CfnUserPoolClient;
  client.allowedOAuthFlows = ['code'];
  client.explicitAuthFlows = ['ALLOW_REFRESH_TOKEN_AUTH'];
  client.callbackUrLs = [...callbackUrls];
  client.logoutUrLs = [...callbackUrls];
  // The pool requires an email, and Cognito that a client may write what is required; no scope lets a user do it.
  client.writeAttributes = ['email'];
  client.readAttributes = ['email', 'email_verified'];
  client.preventUserExistenceErrors = 'ENABLED';
  client.enableTokenRevocation = true;
  client.accessTokenValidity = 10;
  client.idTokenValidity = 10;
  client.refreshTokenValidity = 1;
  client.tokenValidityUnits = { accessToken: 'minutes', idToken: 'minutes', refreshToken: 'days' };
  return auth;
}
