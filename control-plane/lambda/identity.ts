import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { KMSClient } from '@aws-sdk/client-kms';
import { openIdentity } from '../../adapters/aws/identity/identity.ts';
import { openPasswordVault } from '../../adapters/aws/identity/password-vault.ts';
import { openUserPools } from '../../adapters/aws/identity/user-pool.ts';
import type { MailLimits } from '../../core/identity/users/mail-limits.ts';
import type { Identity } from '../../core/ports/identity.ts';
import type { StoreDeps } from '../api/http/deps.ts';
import type { Environment } from './environment.ts';

/** The users that the store holds. The stack creates the administrators' user pool. */
export function openUsers(
  environment: Environment,
  { table, clock, random }: StoreDeps,
  mailLimits?: MailLimits,
): Identity {
  return openIdentity({
    table,
    clock,
    ...(mailLimits && { mailLimits }),
    pools: openUserPools(new CognitoIdentityProviderClient(), { prefix: environment.TIERPLANE_PREFIX, random }),
    vault: openPasswordVault(new KMSClient(), environment.TIERPLANE_PASSWORD_KEY),
    region: environment.AWS_REGION,
    stackPools: {
      admin: { userPoolId: environment.TIERPLANE_ADMIN_POOL, clientId: environment.TIERPLANE_ADMIN_CLIENT },
    },
  });
}
