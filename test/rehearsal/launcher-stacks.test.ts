import {
  AdminCreateUserCommand,
  AdminInitiateAuthCommand,
  AdminSetUserPasswordCommand,
  CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { beforeAll, expect, jest, test } from '@jest/globals';
import { Stacks } from '../../rehearsal/stacks.ts';
import { clientConfig, describeInAccount } from './account.ts';
import { functionResources } from './function-resources.ts';
import { recordedTypes } from './launcher-source.ts';
import { serviceTemplate } from './task/template.ts';

jest.setTimeout(60_000);

/** A user pool whose trigger refuses every user but `known`. */
function poolTemplate(): string {
  const code = `exports.handler = async (event) => {
    if (event.userName !== 'known') throw new Error('not in the registry');
    return event;
  };`;
  const Resources = {
    ...functionResources('Trigger', code),
    Pool: {
      Type: 'AWS::Cognito::UserPool',
      Properties: { UserPoolName: 'pool', LambdaConfig: { PreTokenGeneration: { 'Fn::GetAtt': ['Trigger', 'Arn'] } } },
    },
    Client: {
      Type: 'AWS::Cognito::UserPoolClient',
      Properties: { UserPoolId: { Ref: 'Pool' }, ExplicitAuthFlows: ['ALLOW_ADMIN_USER_PASSWORD_AUTH'] },
    },
  };
  const Outputs = { Pool: { Value: { Ref: 'Pool' } }, Client: { Value: { Ref: 'Client' } } };
  return JSON.stringify({ Resources, Outputs });
}

describeInAccount('stacks in an emulated account', (account) => {
  let stacks: Stacks;
  beforeAll(() => {
    stacks = new Stacks(account());
  });

  test('may contain the types that are recorded without effect, but no unknown type', async () => {
    const types = recordedTypes();
    const template = (all: readonly string[], name: string) =>
      JSON.stringify({
        Resources: Object.fromEntries(all.map((Type, i) => [`R${i}`, { Type, Properties: { Name: name } }])),
      });
    expect(await stacks.create('recorded', template(types, 'a'))).toMatchObject({ status: 'CREATE_COMPLETE' });
    expect((await stacks.update('recorded', template(types, 'b'))).status).toBe('UPDATE_COMPLETE');
    expect((await stacks.delete('recorded')).status).toBe('DELETE_COMPLETE');
    await expect(stacks.create('unknown', template(['AWS::EC2::Nothing'], 'a'))).rejects.toThrow(
      'Unrecognized resource types',
    );
  });

  test('sign-in fails if the pre token generation trigger does', async () => {
    const { outputs, status } = await stacks.create('pool', poolTemplate());
    expect(status).toBe('CREATE_COMPLETE');
    const client = new CognitoIdentityProviderClient(clientConfig(account()));
    const UserPoolId = outputs.Pool ?? '';
    const signIn = async (Username: string) => {
      const Password = 'Correct-horse-battery-7';
      await client.send(new AdminCreateUserCommand({ UserPoolId, Username, MessageAction: 'SUPPRESS' }));
      await client.send(new AdminSetUserPasswordCommand({ UserPoolId, Username, Password, Permanent: true }));
      return client.send(
        new AdminInitiateAuthCommand({
          ...{ UserPoolId, ClientId: outputs.Client, AuthFlow: 'ADMIN_USER_PASSWORD_AUTH' },
          AuthParameters: { USERNAME: Username, PASSWORD: Password },
        }),
      );
    };
    expect((await signIn('known')).AuthenticationResult?.AccessToken).toEqual(expect.any(String));
    await expect(signIn('unknown')).rejects.toThrow(/PreTokenGeneration|UserLambdaValidation|not in the registry/);
  });

  test('fail with a service if the account has no container engine', async () => {
    const created = await stacks.create('service', serviceTemplate('service'));
    expect(created.status).toBe('ROLLBACK_COMPLETE');
    expect(created.failures[0]).toContain('this account has no container engine');
  });
});
