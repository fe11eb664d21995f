import {
  CognitoIdentityProviderClient,
  DeleteUserPoolDomainCommand,
  DescribeUserPoolClientCommand,
  DescribeUserPoolCommand,
  GetUserPoolMfaConfigCommand,
  ListUserPoolsCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { expect, test } from '@jest/globals';
import { openUserPools } from '../../../../adapters/aws/identity/user-pool.ts';
import { systemRandom } from '../../../../adapters/shared/clock.ts';
import { clientConfig, describeInAccount } from '../../../rehearsal/account.ts';

const TENANT = 'acme0000000000000000000001';
const OWN = { id: `tenant-${TENANT}`, displayName: 'Acme', tenantId: TENANT } as const;
const PAGE = 'https://app.example.com/';

describeInAccount("a tenant's own user pool in an emulated account", (account) => {
  function open(signInPage?: string, secondFactor?: 'required') {
    const cognito = new CognitoIdentityProviderClient(clientConfig(account()));
    const options = {
      ...{ prefix: 'own', random: systemRandom },
      ...(signInPage !== undefined && { signInPage }),
      ...(secondFactor && { secondFactor }),
    };
    return { cognito, pools: openUserPools(cognito, options) };
  }

  test('SE-1.1: has managed login with code and PKCE, tags, protection from deletion and a second factor to choose', async () => {
    const { cognito, pools } = open(PAGE);
    const { userPoolId: UserPoolId, clientId: ClientId } = await pools.ensurePool(OWN);
    const { UserPool } = await cognito.send(new DescribeUserPoolCommand({ UserPoolId }));
    expect(UserPool).toMatchObject({
      ...{ Name: `own-tenant-${TENANT}`, Domain: `tierplane-${TENANT}`, DeletionProtection: 'ACTIVE' },
      UserPoolTags: { 'tierplane:prefix': 'own', TenantId: TENANT },
    });
    const mfa = await cognito.send(new GetUserPoolMfaConfigCommand({ UserPoolId }));
    expect(mfa).toMatchObject({ MfaConfiguration: 'OPTIONAL', SoftwareTokenMfaConfiguration: { Enabled: true } });
    const { UserPoolClient } = await cognito.send(new DescribeUserPoolClientCommand({ UserPoolId, ClientId }));
    expect(UserPoolClient).toMatchObject({
      ...{
        AllowedOAuthFlowsUserPoolClient: true,
        AllowedOAuthFlows: ['code'],
        AllowedOAuthScopes: ['openid', 'email'],
      },
      ...{ LogoutURLs: [PAGE], SupportedIdentityProviders: ['COGNITO'], WriteAttributes: ['name'] },
      CallbackURLs: [PAGE, ...[8976, 8977, 8978].map((port) => `http://localhost:${port}/callback`)],
    });
    expect(UserPoolClient?.ClientSecret).toBeUndefined();
    expect(await pools.ensurePool(OWN)).toEqual({ userPoolId: UserPoolId, clientId: ClientId });
  });

  test('SE-1: requires a second factor of all users where the installation does', async () => {
    const tenantId = 'globex00000000000000000001';
    const { cognito, pools } = open(PAGE, 'required');
    const { userPoolId: UserPoolId } = await pools.ensurePool({ ...OWN, id: `tenant-${tenantId}`, tenantId });
    const mfa = await cognito.send(new GetUserPoolMfaConfigCommand({ UserPoolId }));
    expect(mfa).toMatchObject({ MfaConfiguration: 'ON', SoftwareTokenMfaConfiguration: { Enabled: true } });
  });

  test('gets the domain that an interrupted creation has not reached', async () => {
    const { cognito, pools } = open(PAGE);
    const { userPoolId: UserPoolId } = await pools.ensurePool(OWN);
    await cognito.send(new DeleteUserPoolDomainCommand({ UserPoolId, Domain: `tierplane-${TENANT}` }));
    await pools.ensurePool(OWN);
    const { UserPool } = await cognito.send(new DescribeUserPoolCommand({ UserPoolId }));
    expect(UserPool?.Domain).toBe(`tierplane-${TENANT}`);
  });

  test('is deleted with its domain in spite of the protection, once or again, and its domain can be used again', async () => {
    const { cognito, pools } = open(PAGE);
    const { userPoolId } = await pools.ensurePool(OWN);
    for (const _time of ['once', 'again']) await pools.deletePool(userPoolId);
    const { UserPools = [] } = await cognito.send(new ListUserPoolsCommand({ MaxResults: 60 }));
    expect(UserPools.filter(({ Id }) => Id === userPoolId)).toEqual([]);
    await pools.deletePool((await pools.ensurePool(OWN)).userPoolId);
  });

  test('has no managed login without a page to return to; the pool of all tenants gets its domain from the stack', async () => {
    const { cognito, pools } = open();
    const { userPoolId: UserPoolId, clientId: ClientId } = await pools.ensurePool(OWN);
    const { UserPoolClient } = await cognito.send(new DescribeUserPoolClientCommand({ UserPoolId, ClientId }));
    expect(UserPoolClient?.AllowedOAuthFlows ?? []).toEqual([]);
    const { userPoolId: pooled } = await open(PAGE).pools.ensurePool({ id: 'pool', displayName: 'Pool' });
    const { UserPool } = await cognito.send(new DescribeUserPoolCommand({ UserPoolId: pooled }));
    expect([UserPool?.Domain, UserPool?.DeletionProtection]).toEqual([undefined, 'INACTIVE']);
  });
});
