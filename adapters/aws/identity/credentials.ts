import type { ChosenPassword, Credentials } from '../../../core/ports/credentials.ts';
import type { RealmConfig, RealmId, RealmSpec } from '../../../core/ports/identity.ts';
import { put } from '../../../core/ports/table.ts';
import { issuerKey, issuerOfPool } from './issuer-record.ts';
import type { PasswordVault, SealedPassword } from './password-vault.ts';
import type { UserPools } from './user-pool.ts';

/** The record of a realm: which user pool it is. */
export interface PoolRealm extends RealmSpec, RealmConfig {
  readonly userPoolId: string;
}

export interface CredentialsOptions {
  readonly pools: UserPools;
  readonly vault: PasswordVault;
  readonly region: string;
  /**
   * The client whose sign-ins prove a current password, with permissions of IAM only.
   * @default - the public client of each realm
   */
  readonly passwordClientId?: string;
  /**
   * User pools that a CloudFormation stack owns, with their public clients. They are not deleted with the realm.
   * @default {}
   */
  readonly stackPools?: Partial<Record<RealmId, { readonly userPoolId: string; readonly clientId: string }>>;
}

/** The Credentials port over Cognito: a user pool per realm. Cognito holds passwords and sessions and sends invitations. */
export function createCognitoCredentials(options: CredentialsOptions): Credentials<SealedPassword, PoolRealm> {
  const { pools, vault, region, passwordClientId, stackPools = {} } = options;
  const ownedByStack = ({ id }: PoolRealm): boolean => stackPools[id] !== undefined;

  return {
    keptIn: 'service',

    async prepareRealm(spec) {
      const pool = stackPools[spec.id] ?? (await pools.ensurePool(spec));
      const issuer = issuerOfPool(region, pool.userPoolId);
      const data = { realm: spec.id, clientId: pool.clientId };
      return { realm: { ...spec, ...pool, issuer }, writes: [put({ ...issuerKey(issuer), version: 1, data })] };
    },

    configOf: ({ issuer, clientId, userPoolId }) => ({ issuer, clientId, userPoolId }),

    async deleteRealm(realm) {
      if (!ownedByStack(realm)) await pools.deletePool(realm.userPoolId);
      return [{ delete: issuerKey(realm.issuer) }];
    },

    protect: (tenantId, password) => vault.seal(tenantId, password),

    async issue({ userPoolId }, user, chosen) {
      const password = chosen && (await open(vault, chosen));
      return { subject: await pools.createUser(userPoolId, user, password), writes: [] };
    },

    async invite({ userPoolId }, user, tenant) {
      await pools.inviteAgain(userPoolId, user, tenant);
      return { writes: [] };
    },

    async setPassword({ userPoolId, clientId }, { userName }, password, replaced) {
      if (replaced === undefined) await pools.setPassword(userPoolId, userName, password);
      else {
        const user = { userPoolId, clientId: passwordClientId ?? clientId, userName };
        await pools.replacePassword(user, replaced, password);
      }
      return { writes: [] };
    },

    // Cognito does not list sessions, so none can stay.
    endSessions: ({ userPoolId }, { userName }) => pools.signOut(userPoolId, userName),

    statusOf: async ({ userPoolId }, { userName, status }) => (await pools.statusOf(userPoolId, userName)) ?? status,
    emailChanged: ({ userPoolId }, { userName, email }) => pools.setEmail(userPoolId, userName, email),
    enabledChanged: ({ userPoolId }, { userName, enabled }) => pools.setEnabled(userPoolId, userName, enabled),

    async withdraw(realm, { userName }, { realmFollows }) {
      // A pool is deleted with its users, so one call per user would be wasted.
      if (!realmFollows || ownedByStack(realm)) await pools.deleteUser(realm.userPoolId, userName);
      return [];
    },
  };
}

function open(vault: PasswordVault, chosen: ChosenPassword<SealedPassword>): Promise<string> {
  return chosen.kind === 'clear' ? Promise.resolve(chosen.password) : vault.open(chosen.tenantId, chosen.secret);
}
