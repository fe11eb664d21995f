import { createAttemptLimiter } from '../../../../core/identity/attempts.ts';
import { MAX_PASSWORD_LENGTH } from '../../../../core/identity/password-policy.ts';
import type { TenantClaimsLookup } from '../../../../core/identity/tenant-claims.ts';
import { isLogin } from '../../../../core/identity/users/store-context.ts';
import { emailKey, fold, toUser, type UserRecord, userKey } from '../../../../core/identity/users/user-records.ts';
import type { Clock } from '../../../../core/ports/clock.ts';
import type { Identity, RealmId, User } from '../../../../core/ports/identity.ts';
import type { Table } from '../../../../core/ports/table.ts';
import type { TierName } from '../../../../core/tier/tiers.ts';
import type { PasswordSecret, Passwords } from '../passwords.ts';

/** An account that may receive tokens now. */
export interface Account {
  readonly user: User;
  /** The tier of the user's tenant. Absent for system users. */
  readonly tier?: TierName;
}

export type SignIn =
  | { readonly outcome: 'signed-in' | 'change-password'; readonly user: User }
  | { readonly outcome: 'wrong' | 'expired' | 'disabled' | 'suspended' | 'too-many' };

export interface Accounts {
  /** The account with this `sub`. Undefined if unknown, disabled, never signed in, or of a tenant that is not active. */
  active(realm: RealmId, subject: string): Promise<Account | undefined>;
  /**
   * Checks a sign-in. Neither the outcome nor the time it takes reveals whether a user exists. Only a client that knows
   * the password learns that the account is expired, disabled or suspended. Throws TOO_MANY if too many checks are queued.
   *
   * @param address the address of the client, for rate limiting
   */
  signIn(realm: RealmId, login: string, password: string, address: string): Promise<SignIn>;
}

/** Limits of failed attempts within 5 minutes. */
const WINDOW_MS = 5 * 60_000;
const MAX_PER_USER_AND_ADDRESS = 8;
const MAX_PER_USER = 40;
const MAX_PER_ADDRESS = 80;
const MAX_LOGIN_LENGTH = 254;

export function createAccounts(options: {
  readonly table: Table;
  readonly identity: Pick<Identity, 'userOf'>;
  readonly passwords: Passwords;
  readonly clock: Pick<Clock, 'now'>;
  readonly tenantClaims: TenantClaimsLookup;
}): Accounts {
  const { table, identity, passwords, clock, tenantClaims } = options;
  const attempts = createAttemptLimiter({ clock, windowMs: WINDOW_MS });

  async function find(realm: RealmId, login: string): Promise<UserRecord<PasswordSecret> | undefined> {
    if (!isLogin(login)) return undefined;
    const byName = await table.get(userKey<PasswordSecret>(realm, login));
    if (byName) return byName.data;
    const email = await table.get(emailKey(realm, login));
    return email && (await table.get(userKey<PasswordSecret>(realm, email.data.userName)))?.data;
  }

  async function active(user: User): Promise<Account | undefined> {
    if (!user.enabled) return undefined;
    if (user.tenantId === undefined) return { user };
    const tenant = await tenantClaims(user.tenantId);
    return tenant?.active ? { user, tier: tenant.tier } : undefined;
  }

  return {
    async active(realm, subject) {
      const user = await identity.userOf(realm, subject);
      return user?.status === 'CONFIRMED' ? active(user) : undefined;
    },

    async signIn(realm, login, password, address) {
      const name = fold(login.trim().slice(0, MAX_LOGIN_LENGTH + 1));
      const keys = [
        { key: `both ${realm} ${name} ${address}`, max: MAX_PER_USER_AND_ADDRESS },
        { key: `user ${realm} ${name}`, max: MAX_PER_USER },
        { key: `address ${address}`, max: MAX_PER_ADDRESS },
      ];
      if (!attempts.take(keys)) return { outcome: 'too-many' };
      const record = await find(realm, name);
      const usable = [...password].length <= MAX_PASSWORD_LENGTH ? password : '';
      const check = await passwords.check(usable, record?.secret, record?.subject ?? '');
      if (!record || check === 'wrong') return { outcome: 'wrong' };
      attempts.giveBack(keys);
      if (check === 'expired') return { outcome: 'expired' };
      const user = toUser(record);
      if (!user.enabled) return { outcome: 'disabled' };
      if (!(await active(user))) return { outcome: 'suspended' };
      return { outcome: user.status === 'CONFIRMED' ? 'signed-in' : 'change-password', user };
    },
  };
}
