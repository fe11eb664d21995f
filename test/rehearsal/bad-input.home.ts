import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  AdminGetUserCommand,
  CognitoIdentityProviderClient,
  paginateListUsers,
} from '@aws-sdk/client-cognito-identity-provider';
import { DynamoDBClient, ListTablesCommand, paginateScan } from '@aws-sdk/client-dynamodb';
import { expect } from '@jest/globals';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { OUTBOX } from '../../core/events/outbox-partitions.ts';
import { signIn, type Tokens } from '../../rehearsal/managed-login.ts';
import { requestPublic } from '../../rehearsal/public-address.ts';
import type { BadInputHome, Difference, Signer } from '../control-plane/api/bad-input.home.ts';
import { type CallOptions, rawBody } from '../control-plane/api/home.ts';
import { until } from '../support/until.ts';
import { clientConfig } from './account.ts';
import type { Installed } from './installed.ts';

const NOT_FOUND = { status: 404, body: { message: 'Not Found' } };
const NO_RUNTIME = {
  ...NOT_FOUND,
  why: 'the control plane is installed alone; beside an application plane, its operator function serves this route',
};
const NO_PROBE = {
  ...NOT_FOUND,
  why: 'on AWS, throttle-test takes the access token of a user of the tenant, so the API does not have this route',
};
const ONE_CREDENTIAL = {
  ...NOT_FOUND,
  why: 'the stack declares the one client credential of the AWS home, so the API does not have this route',
};

/** The responses that differ from the embedded home, because of API Gateway or because of the AWS home itself. */
export const DIFFERENCES: readonly Difference[] = [
  { request: 'GET /operator/services', ...NO_RUNTIME },
  { request: 'POST /operator/services/restart', ...NO_RUNTIME },
  { request: 'POST /operator/services/scale', ...NO_RUNTIME },
  { request: 'GET /tenants/{tenantId}/plan', ...NO_RUNTIME },
  { request: 'GET /operator/tenants/{tenantId}/release', ...NO_RUNTIME },
  { request: 'POST /operator/tenants/{tenantId}/release', ...NO_RUNTIME },
  { request: 'POST /operator/tenants/{tenantId}/probe', ...NO_PROBE },
  { request: 'DELETE /operator/tenants/{tenantId}/probe', ...NO_PROBE },
  { request: 'POST /credentials', ...ONE_CREDENTIAL },
  { request: 'GET /credentials', ...ONE_CREDENTIAL },
  { request: 'DELETE /credentials/{clientId}', ...ONE_CREDENTIAL },
  {
    request: 'PUT /users/{userName}/password',
    ...NOT_FOUND,
    why: "only the command line on the platform's own machine sets passwords, so the API does not have this route",
  },
  {
    request: 'GET /tenants/..%2Ftenants',
    ...NOT_FOUND,
    why: `API Gateway decodes the path before it matches routes:
      https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html`,
  },
  {
    request: 'GET /users by an ID token',
    ...{ status: 403, body: { message: 'Forbidden' } },
    why: `API Gateway refuses a token without the route's scopes before our function checks the token's use:
      https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html`,
  },
  {
    request: 'GET /users/nope by a token without its scheme',
    ...{ status: 404, body: { statusCode: 404, message: 'User nope not found.' } },
    why: `API Gateway accepts a token with and without 'Bearer':
      https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html`,
  },
];

/** The installed control plane at its public address, with a token from managed login. */
export async function openBadInputHome({ account, installation, watch }: Installed): Promise<BadInputHome> {
  const { outputs } = installation;
  const cognito = new CognitoIdentityProviderClient(clientConfig(account));
  const UserPoolId = outputs.ControlPlaneIdpUserPoolId;
  const { accessToken, idToken } = await adminTokens(installation);
  const base = outputs.controlPlaneAPIEndpoint.replace(/\/$/, '');
  const stored = await storeOf(account);

  async function call(method: string, path: string, body?: unknown, { token, headers }: CallOptions = {}) {
    const raw = rawBody(body);
    const response = await requestPublic(account, `${base}${path}`, {
      method: method as 'GET',
      headers: {
        ...(token !== 'none' && { authorization: `Bearer ${token ?? accessToken}` }),
        ...(raw !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(raw !== undefined && { body: raw }),
    });
    const given = Object.entries(response.headers).map(([key, value]): [string, string] => [key, String(value)]);
    return { status: response.status, headers: new Headers(given), text: response.text, body: asJson(response.text) };
  }

  // The first request for a user who has signed in records that the password was changed.
  await call('GET', '/users?limit=60');
  // Events of earlier suites.
  await watch.seen(1);
  return {
    call,
    async stored() {
      const users = [];
      for await (const { Users = [] } of paginateListUsers({ client: cognito }, { UserPoolId })) users.push(...Users);
      return [await stored(), users];
    },
    events: async () => (await watch.seen(2)).map(({ detail }) => detail),
    signer: signerOf(account.directory, UserPoolId, accessToken),
    claims: decodeJwt(accessToken),
    idToken,
    async createUser(userName, userRole) {
      const { status, text } = await call('POST', '/users', {
        ...{ userName, userRole, email: `${userName}@platform.example` },
      });
      if (status !== 201) throw new Error(text);
      const { UserAttributes = [] } = await cognito.send(new AdminGetUserCommand({ UserPoolId, Username: userName }));
      return UserAttributes.find(({ Name }) => Name === 'sub')?.Value ?? '';
    },
    close: async () => {},
  };
}

/** The content of the platform's table, once the publisher has emptied the outbox. */
async function storeOf(account: Installed['account']): Promise<() => Promise<unknown>> {
  const client = new DynamoDBClient(clientConfig(account));
  const { TableNames = [] } = await client.send(new ListTablesCommand({}));
  expect(TableNames).toHaveLength(1);
  const [TableName = ''] = TableNames;
  return () =>
    until(async () => {
      const rows = [];
      for await (const { Items = [] } of paginateScan({ client }, { TableName })) rows.push(...Items);
      if (rows.some(({ pk }) => pk?.S === OUTBOX.pk)) return undefined;
      return rows.map((row) => [`${row.pk?.S} ${row.sk?.S}`, row] as const).sort(([a], [b]) => (a < b ? -1 : 1));
    });
}

/** Signs in by managed login with the password that the installation's administrator has chosen. */
function adminTokens({ account, outputs }: Installed['installation']): Promise<Tokens> {
  return signIn(account, {
    domain: outputs.adminDomain,
    clientId: outputs.ControlPlaneIdpClientId,
    callbackUrl: 'http://localhost',
    scope: 'openid tenant/tenant_read tenant/tenant_write user/user_read user/user_write',
    userName: 'admin',
    password: 'Correct-horse-battery-7',
  });
}

/** The user pool's signing key. Cognito never reveals it; the emulator stores it in a file. */
function signerOf(directory: string, userPoolId: string, accessToken: string): Signer {
  const file = join(directory, 'state', 'cognito-pool-keys', `${userPoolId}-access.pem`);
  return {
    key: createPrivateKey(readFileSync(file, 'utf8')),
    alg: 'RS256',
    kid: decodeProtectedHeader(accessToken).kid ?? '',
  };
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
