import {
  type CognitoIdentityProviderClient,
  type CreateUserPoolClientCommandInput,
  CreateUserPoolDomainCommand,
  DeleteUserPoolCommand,
  DeleteUserPoolDomainCommand,
  DescribeUserPoolCommand,
  SetUserPoolMfaConfigCommand,
  UpdateUserPoolCommand,
  type UserPoolType,
} from '@aws-sdk/client-cognito-identity-provider';
import { LOOPBACK_PORTS, loopbackRedirect } from '../../../core/identity/issuers.ts';
import { throwAs } from '../store/errors.ts';

const fail = throwAs('Cognito');

/** A user pool of a tenant's own. */
export interface OwnPool {
  readonly userPoolId: string;
  readonly tenantId: string;
  /** Whether every user must use a second factor. Managed login then asks users to set it up when they first sign in. */
  readonly secondFactor: 'optional' | 'required';
}

/** The properties of the client for sign-in by managed login: code with PKCE, back to the page or to the command line. */
export function signInByPage(page: string): Partial<CreateUserPoolClientCommandInput> {
  return {
    AllowedOAuthFlowsUserPoolClient: true,
    AllowedOAuthFlows: ['code'],
    AllowedOAuthScopes: ['openid', 'email'],
    CallbackURLs: [page, ...LOOPBACK_PORTS.map(loopbackRedirect)],
    LogoutURLs: [page],
    SupportedIdentityProviders: ['COGNITO'],
  };
}

/**
 * Gives the pool what Cognito takes only after the creation: a second factor and the domain of managed login. The domain
 * comes last, so a pool that has one is complete. Idempotent.
 */
export async function completePool(
  cognito: CognitoIdentityProviderClient,
  { userPoolId: UserPoolId, tenantId, secondFactor }: OwnPool,
): Promise<void> {
  if ((await describe(cognito, UserPoolId))?.Domain) return;
  const MfaConfiguration = secondFactor === 'required' ? 'ON' : 'OPTIONAL';
  const factors = { MfaConfiguration, SoftwareTokenMfaConfiguration: { Enabled: true } } as const;
  await cognito.send(new SetUserPoolMfaConfigCommand({ UserPoolId, ...factors })).catch(fail);
  // Domains are unique in the region, over all accounts, and so are tenant ids.
  const Domain = `tierplane-${tenantId}`;
  await cognito.send(new CreateUserPoolDomainCommand({ UserPoolId, Domain })).catch(fail);
}

/** Deletes the pool, whose domain and protection would prevent it. An unknown pool is not an error. */
export async function removePool(cognito: CognitoIdentityProviderClient, UserPoolId: string): Promise<void> {
  const pool = await describe(cognito, UserPoolId);
  if (!pool) return;
  const { Domain, DeletionProtection } = pool;
  if (Domain) await cognito.send(new DeleteUserPoolDomainCommand({ UserPoolId, Domain })).catch(fail);
  // The call resets all settings that it does not name. Nobody needs them any more.
  if (DeletionProtection === 'ACTIVE') {
    await cognito.send(new UpdateUserPoolCommand({ UserPoolId, DeletionProtection: 'INACTIVE' })).catch(fail);
  }
  await cognito.send(new DeleteUserPoolCommand({ UserPoolId })).catch(unlessUnknown);
}

async function describe(cognito: CognitoIdentityProviderClient, UserPoolId: string): Promise<UserPoolType | undefined> {
  const found = await cognito.send(new DescribeUserPoolCommand({ UserPoolId })).catch(unlessUnknown);
  return found && 'UserPool' in found ? found.UserPool : undefined;
}

function unlessUnknown(error: unknown): undefined {
  if (error instanceof Error && error.name === 'ResourceNotFoundException') return undefined;
  return fail(error);
}
