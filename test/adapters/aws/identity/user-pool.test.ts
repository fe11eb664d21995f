import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { openUserPools } from '../../../../adapters/aws/identity/user-pool.ts';
import { systemRandom } from '../../../../adapters/shared/clock.ts';

/** User pools of a Cognito that gives these responses, by the command's name, and otherwise an empty one. */
function poolsWith(responses: Record<string, object>) {
  const respond = async (command: object) => responses[command.constructor.name] ?? {};
  jest.spyOn(CognitoIdentityProviderClient.prototype, 'send').mockImplementation(respond as never);
  const cognito = new CognitoIdentityProviderClient({ region: 'us-east-1' });
  return openUserPools(cognito, { prefix: 'test', random: systemRandom });
}

const REALM = { id: 'pool', displayName: 'Shop' } as const;
const USER = { userName: 'jo@a.test', email: 'jo@a.test', role: 'TenantUser' };

afterEach(() => {
  jest.restoreAllMocks();
});

describe('user pools', () => {
  test('fail with UNAVAILABLE if Cognito returns no id, so that no realm or user is stored without one', async () => {
    await expect(poolsWith({}).ensurePool(REALM)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('the user pool id'),
    });
    const withPool = poolsWith({ CreateUserPoolCommand: { UserPool: { Id: 'pool-1' } } });
    await expect(withPool.ensurePool(REALM)).rejects.toThrow('the client id');
    await expect(withPool.createUser('pool-1', USER, undefined)).rejects.toThrow('the subject');
  });

  test('return the ids that Cognito returns', async () => {
    const pools = poolsWith({
      CreateUserPoolCommand: { UserPool: { Id: 'pool-1' } },
      CreateUserPoolClientCommand: { UserPoolClient: { ClientId: 'client-1' } },
      AdminCreateUserCommand: { User: { Attributes: [{ Name: 'sub', Value: 'subject-1' }] } },
    });
    expect(await pools.ensurePool(REALM)).toEqual({ userPoolId: 'pool-1', clientId: 'client-1' });
    expect(await pools.createUser('pool-1', USER, undefined)).toBe('subject-1');
  });
});
