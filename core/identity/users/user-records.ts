import { fold } from '../../fields/user-name.ts';
import type { RealmConfig, RealmId, RealmSpec, User } from '../../ports/identity.ts';
import type { Item, Key, Partition } from '../../ports/table.ts';
import { type Subject, subjectKey } from '../../routing/registry.ts';

/**
 * A user, and the stored form of the password where the provider keeps it here. An empty `subject` marks a reservation:
 * the user is being created, and the record expires if that never completes.
 */
export type UserRecord<Secret extends object = object> = User & { readonly secret?: Secret };

/** The holder of an email. */
export interface EmailRecord {
  readonly userName: string;
}

/** The password that a tenant's first administrator chose at sign-up. */
export interface StagedPassword<Secret extends object = object> {
  readonly email: string;
  readonly secret: Secret;
}

export function realmKey<Realm extends RealmSpec = RealmSpec>(realm: RealmId): Key<Realm> {
  return { pk: `realm#${realm}`, sk: 'realm' };
}

export function userKey<Secret extends object = object>(realm: RealmId, userName: string): Key<UserRecord<Secret>> {
  return { pk: `user#${realm}`, sk: fold(userName) };
}

/** All users of a realm, or those of one of its tenants, in order of user name. */
export function usersOf(realm: RealmId, tenantId?: string): Partition<UserRecord> {
  const pk = `user#${realm}`;
  return tenantId === undefined ? { pk } : { index: 'g1', pk: `${pk}#tenant#${tenantId}` };
}

export function emailKey(realm: RealmId, email: string): Key<EmailRecord> {
  return { pk: `email#${realm}`, sk: fold(email) };
}

export function stagedKey<Secret extends object = object>(tenantId: string): Key<StagedPassword<Secret>> {
  return { pk: `staged-password#${tenantId}`, sk: 'password' };
}

export function realmItem<Realm extends RealmSpec>(realm: Realm, version: number): Item<Realm> {
  return { ...realmKey<Realm>(realm.id), version, data: realm };
}

export function userItem<Secret extends object>(
  realm: RealmId,
  record: UserRecord<Secret>,
  version: number,
): Item<UserRecord<Secret>> {
  const key = userKey<Secret>(realm, record.userName);
  const { tenantId } = record;
  return {
    ...key,
    version,
    data: record,
    ...(tenantId !== undefined && { indexes: { g1: { pk: usersOf(realm, tenantId).pk, sk: key.sk } } }),
  };
}

export function emailItem(realm: RealmId, { email, userName }: User, version: number): Item<EmailRecord> {
  return { ...emailKey(realm, email), version, data: { userName } };
}

/** The gateway's view of a user. Every transaction that writes a user writes it too. */
export function subjectItem(
  realm: RealmId,
  { issuer }: RealmConfig,
  { subject, userName, email, role, tenantId, enabled, tokensValidFrom }: User,
  version: number,
): Item<Subject> {
  const data: Subject = {
    ...{ issuer, subject, realm, userName, email, role, enabled },
    ...(tenantId !== undefined && { tenantId }),
    ...(tokensValidFrom !== undefined && { tokensValidFrom }),
  };
  return { ...subjectKey(realm, subject), version, data };
}

/** The user without its secret. */
export function toUser({ secret: _, ...user }: UserRecord): User {
  return user;
}
