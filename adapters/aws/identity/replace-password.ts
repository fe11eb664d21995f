import {
  AdminInitiateAuthCommand,
  ChangePasswordCommand,
  type CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { DomainError } from '../../../core/errors.ts';
import { fold } from '../../../core/fields/user-name.ts';
import { asDomainError } from '../store/errors.ts';

/** A user of a user pool, and the pool's public client. */
export interface PoolUser {
  readonly userPoolId: string;
  readonly clientId: string;
  readonly userName: string;
}

/**
 * Replaces a known password. Cognito compares the present password as it replaces it, so a password that the user has set
 * meanwhile, for example by a link for forgotten passwords, is not overwritten.
 * Throws CONFLICT if the user's password is another one, UNAVAILABLE.
 *
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ChangePassword.html
 */
export async function replacePassword(
  cognito: CognitoIdentityProviderClient,
  { userPoolId, clientId, userName }: PoolUser,
  replaced: string,
  password: string,
): Promise<void> {
  const signIn = new AdminInitiateAuthCommand({
    ...{ UserPoolId: userPoolId, ClientId: clientId, AuthFlow: 'ADMIN_USER_PASSWORD_AUTH' },
    AuthParameters: { USERNAME: fold(userName), PASSWORD: replaced },
  });
  // ChangePassword identifies the user by an access token of the user's own.
  const { AuthenticationResult } = await cognito.send(signIn).catch(refuse);
  if (!AuthenticationResult) throw new DomainError('CONFLICT', 'the sign-in must need nothing but the password');
  const input = { PreviousPassword: replaced, ProposedPassword: password };
  await cognito
    .send(new ChangePasswordCommand({ ...input, AccessToken: AuthenticationResult.AccessToken }))
    .catch(refuse);
}

function refuse(error: unknown): never {
  const { name = '' } = error instanceof Error ? error : {};
  // The second one means that the user, or the user's tenant, has become inactive: pre-token.ts refuses.
  const refusals = ['NotAuthorizedException', 'UserLambdaValidationException'];
  if (!refusals.includes(name)) throw asDomainError('Cognito', error);
  throw new DomainError('CONFLICT', 'the account has changed meanwhile, sign in again', { cause: error });
}
