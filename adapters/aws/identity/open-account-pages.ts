import type { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import type { Authorize } from '../../../core/identity/authorize.ts';
import type { TenantClaimsLookup } from '../../../core/identity/tenant-claims.ts';
import { createMailLimits } from '../../../core/identity/users/mail-limits.ts';
import type { UserRecord } from '../../../core/identity/users/user-records.ts';
import { createUsersEndpoint } from '../../../core/identity/users-api/users-endpoint.ts';
import type { Clock, RandomBytes } from '../../../core/ports/clock.ts';
import type { Identity, Mailer, RealmId } from '../../../core/ports/identity.ts';
import type { Log } from '../../../core/ports/log.ts';
import type { Table } from '../../../core/ports/table.ts';
import { createPasswordResets, type ResetAccount } from '../../shared/identity/password-resets.ts';
import { createAccountPages } from './account-pages.ts';
import { createAccountPagesHandler } from './account-pages-handler.ts';
import { openIdentity } from './identity.ts';
import { createPasswordCheck } from './own-password.ts';
import type { PasswordVault } from './password-vault.ts';
import { openUserPools } from './user-pool.ts';

export interface OpenAccountPagesOptions {
  readonly table: Table;
  readonly cognito: CognitoIdentityProviderClient;
  readonly mailer: Mailer;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  readonly region: string;
  /** Whether the function serves this realm. */
  readonly serves: (realm: RealmId) => boolean;
  readonly tenantClaims: TenantClaimsLookup;
  /** Verifies the access tokens of the realms. */
  readonly authorize: Authorize;
  /** As in `CredentialsOptions`. @default - the public client of each realm */
  readonly passwordClientId?: string;
  /** Where the realms are reached, without a slash at the end. Links in mails begin with it. */
  readonly publicUrl: string;
  /** The page where users sign in. */
  readonly signInUrl: string;
}

/** The account pages over Cognito and a plane's table, as the handler of a function. */
export function openAccountPages(options: OpenAccountPagesOptions) {
  const { table, cognito, mailer, clock, random, region, passwordClientId, tenantClaims } = options;
  const identity = openIdentity({
    ...{ table, clock, region, vault: NO_VAULT },
    // Creates no pool, so it needs no name for one.
    pools: openUserPools(cognito, { prefix: '', random }),
    ...(passwordClientId !== undefined && { passwordClientId }),
  });
  const resets = createPasswordResets({
    ...options,
    setPassword: identity.setPassword,
    prepareMail: (mail) => ({ writes: [], send: () => mailer.send(mail) }),
    // Of this instance of the function. The limit of links per user is in the table.
    mailLimits: createMailLimits(clock),
    findAccount: (realm, login) => findAccount(identity, tenantClaims, realm, login),
    markOf,
  });
  const checkPassword = createPasswordCheck(cognito, table, passwordClientId);
  const pages = createAccountPages({ ...options, identity, resets, checkPassword });
  const api = createUsersEndpoint({ ...options, identity, checkPassword });
  return createAccountPagesHandler({ ...options, pages, api, identity });
}

/** Undefined if unknown, disabled, or of a tenant that is not active. */
async function findAccount(
  identity: Pick<Identity, 'user'>,
  tenantClaims: TenantClaimsLookup,
  realm: RealmId,
  login: string,
): Promise<ResetAccount | undefined> {
  const user = await identity.user(realm, login);
  if (!user?.enabled) return undefined;
  if (user.tenantId === undefined) return { user };
  const tenant = await tenantClaims(user.tenantId);
  return tenant?.active ? { user, tenantName: tenant.name } : undefined;
}

/** Cognito keeps the password. Every change of it by the platform changes the user's record. */
function markOf({ modified, tokensValidFrom = 0 }: UserRecord): string {
  return `${modified} ${tokensValidFrom}`;
}

/** The pages create no users, so they need no password that was chosen at sign-up. */
const NO_VAULT: PasswordVault = { seal: noPassword, open: noPassword };

function noPassword(): Promise<never> {
  throw new Error('the account pages handle no staged passwords');
}
