import {
  AdminInitiateAuthCommand,
  CognitoIdentityProviderClient,
  UpdateUserPoolClientCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { expect, test } from '@jest/globals';
import { createCognitoCredentials, type PoolRealm } from '../../../../adapters/aws/identity/credentials.ts';
import { openPasswordVault, type SealedPassword } from '../../../../adapters/aws/identity/password-vault.ts';
import { openUserPools } from '../../../../adapters/aws/identity/user-pool.ts';
import { systemRandom } from '../../../../adapters/shared/clock.ts';
import { REGION } from '../../../../rehearsal/emulated-account.ts';
import { invitedPassword } from '../../../../rehearsal/invited-password.ts';
import { clientConfig, createTable, describeInAccount } from '../../../rehearsal/account.ts';
import { type CredentialsFixture, credentialsContract } from '../../contract/credentials.suite.ts';

describeInAccount('an emulated account', (account) => {
  async function open(): Promise<CredentialsFixture<SealedPassword, PoolRealm>> {
    const config = clientConfig(account());
    const cognito = new CognitoIdentityProviderClient(config);
    const kms = new KMSClient(config);
    const keyId = (await kms.send(new CreateKeyCommand({}))).KeyMetadata?.KeyId ?? '';
    const refreshTokens = new Map<string, string>();

    async function authenticate(
      { userPoolId, clientId }: PoolRealm,
      flow: 'ADMIN_USER_PASSWORD_AUTH' | 'REFRESH_TOKEN_AUTH',
      AuthParameters: Record<string, string>,
    ): Promise<string | undefined> {
      const command = new AdminInitiateAuthCommand({
        ...{ UserPoolId: userPoolId, ClientId: clientId, AuthFlow: flow, AuthParameters },
      });
      const { AuthenticationResult, ChallengeName } = await cognito.send(command);
      // A temporary password that is right leads to the challenge to choose a new one.
      return AuthenticationResult?.RefreshToken ?? AuthenticationResult?.AccessToken ?? ChallengeName;
    }

    async function signIn(realm: PoolRealm, userName: string, password: string): Promise<string | undefined> {
      // The platform's client does not allow sign-in with only a password.
      const flows = ['ALLOW_ADMIN_USER_PASSWORD_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'] as const;
      const { userPoolId: UserPoolId, clientId: ClientId } = realm;
      await cognito.send(new UpdateUserPoolClientCommand({ UserPoolId, ClientId, ExplicitAuthFlows: [...flows] }));
      const parameters = { USERNAME: userName.toLowerCase(), PASSWORD: password };
      return authenticate(realm, 'ADMIN_USER_PASSWORD_AUTH', parameters);
    }

    return {
      credentials: createCognitoCredentials({
        pools: openUserPools(cognito, { prefix: 'credentials', random: systemRandom }),
        vault: openPasswordVault(kms, keyId),
        region: REGION,
      }),
      table: await createTable(new DynamoDBClient(config), 'credentials'),
      accepts: async (realm, { userName }, password) =>
        (await signIn(realm, userName, password).catch(refusedSignIn)) !== undefined,
      invitedPassword: (_realm, { email }) => invitedPassword(account(), email),
      async startSession(realm, { userName, subject }, password) {
        refreshTokens.set(subject, (await signIn(realm, userName, password)) ?? '');
      },
      async hasSession(realm, { subject }) {
        const parameters = { REFRESH_TOKEN: refreshTokens.get(subject) ?? '' };
        return (await authenticate(realm, 'REFRESH_TOKEN_AUTH', parameters).catch(refusedSignIn)) !== undefined;
      },
      close: async () => {},
    };
  }

  credentialsContract('Cognito', open);

  test('a password encrypted for one tenant cannot be decrypted for another tenant', async () => {
    const config = clientConfig(account());
    const kms = new KMSClient(config);
    const vault = openPasswordVault(kms, (await kms.send(new CreateKeyCommand({}))).KeyMetadata?.KeyId ?? '');
    const sealed = await vault.seal('tenant-a', 'Correct-horse-7');
    await expect(vault.open('tenant-a', sealed)).resolves.toBe('Correct-horse-7');
    await expect(vault.open('tenant-b', sealed)).rejects.toMatchObject({ code: 'CORRUPT' });
  });
});

/** Cognito's errors for a wrong password, a revoked token, a deleted user and a deleted pool. */
function refusedSignIn(error: unknown): undefined {
  const name = error instanceof Error ? error.name : '';
  if (!/^(NotAuthorized|UserNotFound|ResourceNotFound)Exception$/.test(name)) throw error;
  return undefined;
}
