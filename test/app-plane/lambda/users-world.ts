import { AdminInitiateAuthCommand, CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { CreateEmailIdentityCommand, SESv2Client } from '@aws-sdk/client-sesv2';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { openIdentity } from '../../../adapters/aws/identity/identity.ts';
import { openPasswordVault } from '../../../adapters/aws/identity/password-vault.ts';
import { openUserPools } from '../../../adapters/aws/identity/user-pool.ts';
import { openUsersInvocation } from '../../../adapters/aws/identity/users-invocation.ts';
import { systemClock, systemRandom } from '../../../adapters/shared/clock.ts';
import type { UsersTransport } from '../../../core/identity/users-api/users-call.ts';
import type { UsersResponse } from '../../../core/identity/users-api/users-response.ts';
import type { Identity } from '../../../core/ports/identity.ts';
import type { Table } from '../../../core/ports/table.ts';
import { ACCOUNT_ID, type EmulatedAccount, REGION } from '../../../rehearsal/emulated-account.ts';
import type { Statement } from '../../../tenant-templates/data-role.ts';
import { assumeNewRole } from '../../adapters/aws/store/roles.ts';
import { A, B } from '../../adapters/contract/new-user.ts';
import type { SignedIn } from '../../adapters/contract/own-account.suite.ts';
import { NAME_OF_A } from '../../adapters/contract/tenant-users.suite.ts';
import { type Credentials, clientConfig, createTable } from '../../rehearsal/account.ts';
import { until } from '../../support/until.ts';
import { deployFunction, functionArn, readTable, useTable } from './deploy-function.ts';
import { placedTenant } from './placed-tenant.ts';

const PREFIX = 'users';
/** The name of the function. */
export const USERS = `${PREFIX}-tenant-users`;
const PRE_TOKEN = `${PREFIX}-pre-token`;
const MESSAGES = `${PREFIX}-custom-message`;
const PAGES = `${PREFIX}-account-pages`;
const SENDER = 'platform@example.com';
/** Where the account pages are. */
export const ACCOUNTS_URL = 'https://r3pmxmplak.execute-api.us-east-1.amazonaws.com';

/** The application plane's users in an emulated account, with its functions deployed. Tenants A and B are active. */
export interface UsersWorld {
  readonly table: Table;
  readonly identity: Identity;
  /** The credentials of a service: they may invoke the function, and nothing else. */
  readonly service: Credentials;
  /** Reaches the function with those credentials. */
  readonly transport: UsersTransport;
  /** Invokes the function with any event. */
  invoke(event: unknown): Promise<UsersResponse>;
  /** Invokes the function of the account pages as API Gateway does. */
  page(event: APIGatewayProxyEventV2): Promise<APIGatewayProxyStructuredResultV2>;
  signIn(userName: string, password: string): Promise<SignedIn>;
  renews(session: SignedIn): Promise<boolean>;
  setActive(tenantId: string, active: boolean): Promise<void>;
}

export async function openUsersWorld(account: EmulatedAccount): Promise<UsersWorld> {
  const config = clientConfig(account);
  const cognito = new CognitoIdentityProviderClient(config);
  const kms = new KMSClient(config);
  const keyArn = (await kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? '';
  const table = await createTable(new DynamoDBClient(config), PREFIX);
  const identity = openIdentity({
    ...{ table, clock: systemClock, region: REGION },
    pools: openUserPools(cognito, {
      ...{ prefix: PREFIX, random: systemRandom },
      triggers: { customMessage: functionArn(MESSAGES), preToken: functionArn(PRE_TOKEN) },
    }),
    vault: openPasswordVault(kms, keyArn),
  });
  const { issuer, clientId } = await identity.ensureRealm({ id: 'pool', displayName: 'Tierplane' });
  const userPoolId = new URL(issuer).pathname.slice(1);
  await deploy(account, { userPoolId, keyArn });
  await placeTenants(table);
  const invoke: Statement = { Effect: 'Allow', Action: ['lambda:InvokeFunction'], Resource: [functionArn(USERS)] };
  const service = await assumeNewRole(account, `${PREFIX}-service`, [invoke]);

  const lambda = new LambdaClient(clientConfig(account, service));
  const apiGateway = new LambdaClient(config);
  await new SESv2Client(config).send(new CreateEmailIdentityCommand({ EmailIdentity: SENDER }));

  const authenticate = async (
    AuthFlow: 'ADMIN_USER_PASSWORD_AUTH' | 'REFRESH_TOKEN_AUTH',
    AuthParameters: Record<string, string>,
  ) => {
    const input = { UserPoolId: userPoolId, ClientId: clientId, AuthFlow, AuthParameters };
    const { AuthenticationResult, ChallengeName } = await cognito.send(new AdminInitiateAuthCommand(input));
    if (!AuthenticationResult) throw new Error(`sign-in requires ${ChallengeName}`);
    return AuthenticationResult;
  };

  return {
    ...{ table, identity, service },
    transport: openUsersInvocation(USERS, clientConfig(account, service)),

    invoke: (event) => invokeFunction<UsersResponse>(lambda, USERS, event),
    page: (event) => invokeFunction<APIGatewayProxyStructuredResultV2>(apiGateway, PAGES, event),

    async signIn(userName, password) {
      // A token of the second in which all sessions ended would be refused, too.
      const { tokensValidFrom = 0 } = (await identity.user('pool', userName)) ?? {};
      await until(() => Date.now() / 1_000 >= tokensValidFrom, 5_000);
      const parameters = { USERNAME: userName, PASSWORD: password };
      const { AccessToken = '', RefreshToken = '' } = await authenticate('ADMIN_USER_PASSWORD_AUTH', parameters);
      return { accessToken: AccessToken, refreshToken: RefreshToken };
    },

    renews: ({ refreshToken }) =>
      authenticate('REFRESH_TOKEN_AUTH', { REFRESH_TOKEN: refreshToken }).then(
        () => true,
        (error: Error) => {
          if (error.name === 'NotAuthorizedException') return false;
          throw error;
        },
      ),

    setActive: (tenantId, active) =>
      table.transact(placedTenant(tenantOf(tenantId), { state: active ? 'active' : 'suspended' })),
  };
}

async function invokeFunction<T>(lambda: LambdaClient, FunctionName: string, event: unknown): Promise<T> {
  const Payload = Buffer.from(JSON.stringify(event));
  const response = await lambda.send(new InvokeCommand({ FunctionName, Payload }));
  if (response.FunctionError !== undefined) throw new Error(`the function failed: ${response.FunctionError}`);
  return JSON.parse(Buffer.from(response.Payload ?? []).toString());
}

function tenantOf(tenantId: string) {
  return tenantId === A
    ? { tenantId, name: NAME_OF_A, slug: 'loreal-sons' }
    : { tenantId, name: 'Globex', slug: 'globex' };
}

async function placeTenants(table: Table): Promise<void> {
  for (const tenantId of [A, B]) await table.transact(placedTenant(tenantOf(tenantId)));
}

async function deploy(
  account: EmulatedAccount,
  { userPoolId, keyArn }: { readonly userPoolId: string; readonly keyArn: string },
): Promise<void> {
  const environment = { TIERPLANE_TABLE: PREFIX, TIERPLANE_APP_URL: 'https://app.example.com' };
  const verbs = ['CreateUser', 'DeleteUser', 'GetUser', 'DisableUser', 'EnableUser', 'InitiateAuth'];
  const more = ['SetUserPassword', 'UpdateUserAttributes', 'UserGlobalSignOut'];
  const onUsers = (actions: readonly string[]): Statement => ({
    Effect: 'Allow',
    Action: actions.map((verb) => `cognito-idp:Admin${verb}`),
    Resource: [`arn:aws:cognito-idp:${REGION}:${ACCOUNT_ID}:userpool/${userPoolId}`],
  });
  const sender = `arn:aws:ses:${REGION}:${ACCOUNT_ID}:identity/${SENDER}`;
  const sendMail: Statement = { Effect: 'Allow', Action: ['ses:SendEmail'], Resource: [sender] };
  const openPasswords: Statement = { Effect: 'Allow', Action: ['kms:Decrypt'], Resource: [keyArn] };
  const own = { TIERPLANE_PREFIX: PREFIX, TIERPLANE_PASSWORD_KEY: keyArn };
  await Promise.all([
    deployFunction(account, { name: MESSAGES, entry: 'custom-message', environment, statements: [readTable(PREFIX)] }),
    deployFunction(account, { name: PRE_TOKEN, entry: 'pre-token', environment, statements: [readTable(PREFIX)] }),
    deployFunction(account, {
      ...{ name: USERS, entry: 'tenant-users', environment: { ...environment, ...own } },
      statements: [useTable(PREFIX), onUsers([...verbs, ...more]), openPasswords],
    }),
    deployFunction(account, {
      ...{ name: PAGES, entry: 'account-pages' },
      environment: { ...environment, TIERPLANE_ACCOUNTS_URL: `${ACCOUNTS_URL}/`, TIERPLANE_SENDER: SENDER },
      statements: [
        useTable(PREFIX),
        onUsers(['GetUser', 'InitiateAuth', 'SetUserPassword', 'UserGlobalSignOut']),
        sendMail,
      ],
    }),
  ]);
}
