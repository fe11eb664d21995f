import { isDeepStrictEqual } from 'node:util';
import { DomainError, isDomainError } from '../../../../core/errors.ts';
import { fold } from '../../../../core/fields/user-name.ts';
import { MAX_PASSWORD_LENGTH, passwordLength } from '../../../../core/identity/password-policy.ts';
import type { SignInLimits } from '../../../../core/identity/sign-in-limits.ts';
import type { TenantClaimsLookup } from '../../../../core/identity/tenant-claims.ts';
import { isComplete, isLogin } from '../../../../core/identity/users/store-context.ts';
import type { PasswordConditions } from '../../../../core/identity/users/user-passwords.ts';
import { emailKey, toUser, type UserRecord, userKey } from '../../../../core/identity/users/user-records.ts';
import type { Identity, RealmId, User } from '../../../../core/ports/identity.ts';
import type { Check, Table } from '../../../../core/ports/table.ts';
import type { TierName } from '../../../../core/tier/tiers.ts';
import type { PasswordCheck, PasswordSecret, Passwords } from '../passwords.ts';

/** An account that may receive tokens now. */
export interface Account {
  readonly user: User;
  /** The tier of the user's tenant. Absent for system users. */
  readonly tier?: TierName;
  /** The name of the user's tenant. Absent for system users. */
  readonly tenantName?: string;
  /** The conditions under which the user's tenant stays active. */
  readonly tenantBasis: readonly Check[];
}

export type SignIn =
  | { readonly outcome: 'change-password'; readonly user: User }
  | {
      readonly outcome: 'signed-in';
      readonly user: User;
      /**
       * The conditions under which another password may replace the one that was checked: it is still the user's, and
       * the user and the tenant are still active. Otherwise the change throws CONFLICT.
       */
      readonly replacing: PasswordConditions<PasswordSecret>;
    }
  | { readonly outcome: 'wrong' | 'expired' | 'disabled' | 'suspended' }
  /** `retryAfter` is in whole seconds. */
  | { readonly outcome: 'too-many'; readonly retryAfter: number };

/** The client of a sign-in, for the limits of failed attempts. */
export interface SignInClient {
  /** `clientGroup` of its address. */
  readonly group: string;
  /** The id in its device cookie for the user with this `sub`, or undefined. */
  deviceOf(subject: string): string | undefined;
}

export interface Accounts {
  /** The account with this `sub`. Undefined if unknown, disabled, never signed in, or of a tenant that is not active. */
  active(realm: RealmId, subject: string): Promise<Account | undefined>;
  /** As `active`, for a user who has a temporary password. */
  invited(realm: RealmId, subject: string): Promise<Account | undefined>;
  /** The user with this user name or email. Undefined if unknown, disabled, or of a tenant that is not active. */
  byLogin(realm: RealmId, login: string): Promise<Account | undefined>;
  /**
   * Checks a sign-in. Neither the outcome nor the time it takes reveals whether a user exists. Only a client that knows
   * the password learns that the account is expired, disabled or suspended.
   */
  signIn(realm: RealmId, login: string, password: string, client: SignInClient): Promise<SignIn>;
}

const MAX_LOGIN_LENGTH = 254;
/** Seconds until the queue of password checks has room again. */
const BUSY_SECONDS = 2;

export function createAccounts(options: {
  readonly table: Table;
  readonly identity: Pick<Identity, 'userOf'>;
  readonly passwords: Passwords;
  readonly limits: SignInLimits;
  readonly tenantClaims: TenantClaimsLookup;
}): Accounts {
  const { table, identity, passwords, limits, tenantClaims } = options;

  async function find(realm: RealmId, login: string): Promise<UserRecord<PasswordSecret> | undefined> {
    if (!isLogin(login)) return undefined;
    const byName = await table.get(userKey<PasswordSecret>(realm, login));
    if (byName) return byName.data;
    const email = await table.get(emailKey(realm, login));
    return email && (await table.get(userKey<PasswordSecret>(realm, email.data.userName)))?.data;
  }

  async function checkPassword(
    record: UserRecord<PasswordSecret> | undefined,
    password: string,
  ): Promise<PasswordCheck | 'busy'> {
    const usable = passwordLength(password) <= MAX_PASSWORD_LENGTH ? password : '';
    try {
      return await passwords.check(usable, record?.secret, record?.subject ?? '');
    } catch (error) {
      if (isDomainError(error, 'TOO_MANY')) return 'busy';
      throw error;
    }
  }

  async function active(user: User): Promise<Account | undefined> {
    if (!user.enabled) return undefined;
    if (user.tenantId === undefined) return { user, tenantBasis: [] };
    const tenant = await tenantClaims(user.tenantId);
    if (!tenant?.active) return undefined;
    return { user, tier: tenant.tier, tenantName: tenant.name, tenantBasis: tenant.basis };
  }

  return {
    async active(realm, subject) {
      const user = await identity.userOf(realm, subject);
      return user?.status === 'CONFIRMED' ? active(user) : undefined;
    },

    async invited(realm, subject) {
      const user = await identity.userOf(realm, subject);
      return user?.status === 'FORCE_CHANGE_PASSWORD' ? active(user) : undefined;
    },

    async byLogin(realm, login) {
      const record = await find(realm, fold(login.trim()));
      return record && isComplete(record) ? active(toUser(record)) : undefined;
    },

    async signIn(realm, login, password, { group, deviceOf }) {
      const name = fold(login.trim().slice(0, MAX_LOGIN_LENGTH + 1));
      const record = await find(realm, name);
      const device = record && deviceOf(record.subject);
      const attempt = limits.attempt({ realm, subject: record?.subject, name, client: group, device });
      if (!attempt.admitted) return { outcome: 'too-many', retryAfter: attempt.retryAfter };
      const check = await checkPassword(record, password);
      if (check === 'busy') {
        attempt.giveBack();
        return { outcome: 'too-many', retryAfter: BUSY_SECONDS };
      }
      if (!record || check === 'wrong') return { outcome: 'wrong' };
      attempt.giveBack();
      if (check === 'expired') return { outcome: 'expired' };
      const user = toUser(record);
      if (!user.enabled) return { outcome: 'disabled' };
      const account = await active(user);
      if (!account) return { outcome: 'suspended' };
      if (user.status !== 'CONFIRMED') return { outcome: 'change-password', user };
      return { outcome: 'signed-in', user, replacing: conditionsOf(record, account) };
    },
  };
}

function conditionsOf({ secret }: UserRecord<PasswordSecret>, account: Account): PasswordConditions<PasswordSecret> {
  const refusal = () => new DomainError('CONFLICT', 'the account has changed meanwhile');
  return {
    check(now) {
      if (!now.enabled || !isDeepStrictEqual(now.secret, secret)) throw refusal();
    },
    further: { writes: account.tenantBasis, refusal },
  };
}
