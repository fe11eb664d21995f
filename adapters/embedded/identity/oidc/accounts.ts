import { createAttemptLimiter } from '../../../../core/identity/attempts.ts';
import type { TenantClaimsLookup } from '../../../../core/identity/tenant-claims.ts';
import { isLogin } from '../../../../core/identity/users/store-context.ts';
import { emailKey, fold, toUser, type UserRecord, userKey } from '../../../../core/identity/users/user-records.ts';
import type { Clock } from '../../../../core/ports/clock.ts';
import type { Identity, RealmId, User } from '../../../../core/ports/identity.ts';
import type { Table } from '../../../../core/ports/table.ts';
import type { TierName } from '../../../../core/tier/tiers.ts';
import type { PasswordSecret, Passwords } from '../passwords.ts';

/** An account that may have tokens now, with what they say. */
export interface Account {
  readonly user: User;
  readonly tier?: TierName;
}

export type SignIn =
  | { readonly outcome: 'signed-in' | 'change-password'; readonly user: User }
  | { readonly outcome: 'wrong' | 'expired' | 'disabled' | 'suspended' | 'too-many' };

export interface Accounts {
  /** The account of a `sub`; undefined if it is unknown, disabled or of a tenant that is not active. */
  active(realm: RealmId, subject: string): Promise<Account | undefined>;
  /**
   * Judges a sign-in. Whether a user exists shows neither in the outcome nor in the time it takes; what else is wrong is
   * told only to those who know the password.
   * @param address the client's, for rate-limiting
   */
  signIn(realm: RealmId, login: string, password: string, address: string): Promise<SignIn>;
}

/** Failed tries within 5 minutes: of one user from one address, of one user from anywhere, of one address. */
const WINDOW_MS = 5 * 60_000;
const MAX_PER_USER_AND_ADDRESS = 8;
const MAX_PER_USER = 40;
const MAX_PER_ADDRESS = 80;
const MAX_LOGIN_LENGTH = 254;
const MAX_PASSWORD_LENGTH = 256;

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
      const usable = password.length <= MAX_PASSWORD_LENGTH ? password : '';
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
