import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStacksCommand,
  waitUntilStackCreateComplete,
} from '@aws-sdk/client-cloudformation';
import {
  AdminCreateUserCommand,
  AdminInitiateAuthCommand,
  AdminSetUserPasswordCommand,
  CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { type EmulatedAccount, REGION } from '../../rehearsal/emulated-account.ts';
import { clientConfig } from '../rehearsal/account.ts';
import { functionResources } from '../rehearsal/function-resources.ts';

const PASSWORD = 'Correct-horse-7';

/** Puts tenant and role into access tokens, by the user name `<tenant id>.<role>`. */
const PRE_TOKEN = `exports.handler = async (event) => {
  const [tenantId, role] = event.userName.split('.');
  const claimsToAddOrOverride = { tenantId, role, tier: 'basic' };
  return { ...event, response: { claimsAndScopeOverrideDetails: { accessTokenGeneration: { claimsToAddOrOverride } } } };
};`;

const TEMPLATE = {
  Resources: {
    ...functionResources('PreToken', PRE_TOKEN),
    Invocation: {
      Type: 'AWS::Lambda::Permission',
      Properties: {
        ...{ Action: 'lambda:InvokeFunction', Principal: 'cognito-idp.amazonaws.com' },
        FunctionName: { Ref: 'PreToken' },
      },
    },
    Pool: {
      Type: 'AWS::Cognito::UserPool',
      Properties: {
        UserPoolTier: 'ESSENTIALS',
        LambdaConfig: {
          PreTokenGenerationConfig: { LambdaArn: { 'Fn::GetAtt': ['PreToken', 'Arn'] }, LambdaVersion: 'V2_0' },
        },
      },
    },
    Client: {
      Type: 'AWS::Cognito::UserPoolClient',
      Properties: { UserPoolId: { Ref: 'Pool' }, ExplicitAuthFlows: ['ALLOW_ADMIN_USER_PASSWORD_AUTH'] },
    },
  },
  Outputs: { Pool: { Value: { Ref: 'Pool' } }, Client: { Value: { Ref: 'Client' } } },
};

export interface Tokens {
  readonly access: string;
  readonly id: string;
}

export interface TestPool {
  readonly issuer: string;
  readonly clientId: string;
  /** Creates the user if it does not exist, and signs in. */
  signIn(tenantId: string, role: string): Promise<Tokens>;
}

/** A user pool with a function that adds the tenant to access tokens, in a stack of its own. */
export async function createUserPool(account: EmulatedAccount, StackName: string): Promise<TestPool> {
  const client = new CloudFormationClient(clientConfig(account));
  const TemplateBody = JSON.stringify(TEMPLATE);
  await client.send(new CreateStackCommand({ StackName, TemplateBody, Capabilities: ['CAPABILITY_IAM'] }));
  await waitUntilStackCreateComplete({ client, maxWaitTime: 60, minDelay: 1 }, { StackName });
  const { Stacks } = await client.send(new DescribeStacksCommand({ StackName }));
  const output = (key: string) => Stacks?.[0]?.Outputs?.find(({ OutputKey }) => OutputKey === key)?.OutputValue ?? '';
  const [UserPoolId, ClientId] = [output('Pool'), output('Client')];
  const cognito = new CognitoIdentityProviderClient(clientConfig(account));

  return {
    issuer: `https://cognito-idp.${REGION}.amazonaws.com/${UserPoolId}`,
    clientId: ClientId,
    async signIn(tenantId, role) {
      const user = { UserPoolId, Username: `${tenantId}.${role}` };
      await cognito.send(new AdminCreateUserCommand(user)).catch((error: Error) => {
        if (error.name !== 'UsernameExistsException') throw error;
      });
      await cognito.send(new AdminSetUserPasswordCommand({ ...user, Password: PASSWORD, Permanent: true }));
      const AuthParameters = { USERNAME: user.Username, PASSWORD };
      const flow = { UserPoolId, ClientId, AuthFlow: 'ADMIN_USER_PASSWORD_AUTH', AuthParameters } as const;
      const { AuthenticationResult } = await cognito.send(new AdminInitiateAuthCommand(flow));
      return { access: AuthenticationResult?.AccessToken ?? '', id: AuthenticationResult?.IdToken ?? '' };
    },
  };
}
