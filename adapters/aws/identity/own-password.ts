import {
  AdminInitiateAuthCommand,
  type AdminInitiateAuthResponse,
  type CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { fold } from '../../../core/fields/user-name.ts';
import { realmKey } from '../../../core/identity/users/user-records.ts';
import type { PasswordCheck } from '../../../core/identity/users-api/own-account.ts';
import type { RealmId, User } from '../../../core/ports/identity.ts';
import type { Table } from '../../../core/ports/table.ts';
import { asDomainError } from '../store/errors.ts';
import type { PoolRealm } from './credentials.ts';

/**
 * Cognito locks a user after five wrong passwords, for one second that doubles with each further one, up to 15 minutes. It
 * does not say how long the lock lasts.
 *
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/authentication.html#authentication-flow-lockout-behavior
 */
const LOCKED_SECONDS = 60;

/**
 * Checks a user's current password by a sign-in with it, which only callers with permissions of IAM can do. Cognito limits
 * wrong passwords. The tokens of the sign-in are discarded; the change of the password that follows revokes them.
 * @param passwordClientId as in `CredentialsOptions`
 */
export function createPasswordCheck(cognito: CognitoIdentityProviderClient, table: Table, passwordClientId?: string) {
  return async (realm: RealmId, { userName }: Pick<User, 'userName'>, password: string): Promise<PasswordCheck> => {
    const pool = (await table.get(realmKey<PoolRealm>(realm)))?.data;
    if (!pool || password === '') return { outcome: 'wrong' };
    const command = new AdminInitiateAuthCommand({
      ...{ UserPoolId: pool.userPoolId, ClientId: passwordClientId ?? pool.clientId },
      AuthFlow: 'ADMIN_USER_PASSWORD_AUTH',
      AuthParameters: { USERNAME: fold(userName), PASSWORD: password },
    });
    // A challenge, such as for a second factor, also shows that the password is right.
    const accepted = ({ AuthenticationResult }: AdminInitiateAuthResponse): PasswordCheck => ({
      outcome: AuthenticationResult ? 'right' : 'more-required',
    });
    return cognito.send(command).then(accepted, refused);
  };
}

const REFUSALS = [
  ...['NotAuthorizedException', 'InvalidParameterException'],
  // The user, or the user's tenant, is not active: pre-token.ts refuses.
  'UserLambdaValidationException',
  // An operator has reset the password in Cognito, so no password is right.
  'PasswordResetRequiredException',
];

function refused(error: unknown): PasswordCheck {
  const { name = '', message = '' } = error instanceof Error ? error : {};
  if (!REFUSALS.includes(name)) throw asDomainError('Cognito', error);
  if (/attempts exceeded/i.test(message)) return { outcome: 'too-many', retryAfter: LOCKED_SECONDS };
  return { outcome: 'wrong' };
}
