import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { afterEach, expect, jest, test } from '@jest/globals';
import { createPasswordCheck } from '../../../../adapters/aws/identity/own-password.ts';
import type { Table } from '../../../../core/ports/table.ts';

const REALM = { id: 'admin', displayName: 'x', userPoolId: 'pool-1', clientId: 'public', issuer: 'https://x.example' };

/** The check over a Cognito that answers like this. @returns the outcome and what Cognito was asked */
async function checkWith(respond: () => object, passwordClientId?: string) {
  const asked: { readonly input: Record<string, unknown> }[] = [];
  jest.spyOn(CognitoIdentityProviderClient.prototype, 'send').mockImplementation((async (command: never) => {
    asked.push(command);
    return respond();
  }) as never);
  const table = { get: async () => ({ data: REALM }) } as unknown as Table;
  const cognito = new CognitoIdentityProviderClient({ region: 'us-east-1' });
  const check = createPasswordCheck(cognito, table, passwordClientId);
  const result = check('admin', { userName: 'Sue' }, 'secret');
  return { result: await result, input: asked[0]?.input };
}

function refuse(name: string, message = ''): () => never {
  return () => {
    throw Object.assign(new Error(message), { name });
  };
}

afterEach(() => {
  jest.restoreAllMocks();
});

test.each([
  ['tokens', () => ({ AuthenticationResult: { AccessToken: 'x' } }), { outcome: 'right' }],
  ['a second factor', () => ({ ChallengeName: 'SOFTWARE_TOKEN_MFA' }), { outcome: 'more-required' }],
  ['a new password', () => ({ ChallengeName: 'NEW_PASSWORD_REQUIRED' }), { outcome: 'more-required' }],
  ['a refusal', refuse('NotAuthorizedException', 'Incorrect username or password.'), { outcome: 'wrong' }],
  ['a name that no user can have', refuse('InvalidParameterException'), { outcome: 'wrong' }],
  ['a password that an operator has reset', refuse('PasswordResetRequiredException'), { outcome: 'wrong' }],
  ['a refusal of the trigger', refuse('UserLambdaValidationException'), { outcome: 'wrong' }],
  [
    'a lock',
    refuse('NotAuthorizedException', 'Password attempts exceeded'),
    { outcome: 'too-many', retryAfter: expect.any(Number) },
  ],
])('SE-1: a sign-in that gets %s tells what the password proves', async (_what, respond, expected) => {
  expect((await checkWith(respond)).result).toEqual(expected);
});

test('SE-1: only the client for passwords is asked where the realm has one', async () => {
  const tokens = () => ({ AuthenticationResult: {} });
  const AuthParameters = { USERNAME: 'sue', PASSWORD: 'secret' };
  const byPublicClient = await checkWith(tokens);
  expect(byPublicClient.input).toMatchObject({ UserPoolId: 'pool-1', ClientId: 'public', AuthParameters });
  expect((await checkWith(tokens, 'password-client')).input).toMatchObject({ ClientId: 'password-client' });
});

test('an error of Cognito is not a wrong password', async () => {
  await expect(checkWith(refuse('InternalErrorException'))).rejects.toThrow('Cognito');
});
