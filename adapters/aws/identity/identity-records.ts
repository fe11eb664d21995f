import type { RealmConfig, RealmId, RealmSpec, User } from '../../../core/ports/identity.ts';
import type { Item, Key, Partition } from '../../../core/ports/table.ts';
import { type Subject, subjectKey } from '../../../core/routing/registry.ts';

/** Which pool is a realm's. */
export interface RealmRecord extends RealmSpec, RealmConfig {
  readonly userPoolId: string;
}

/** A user; one whose subject is '' is being created, and vanishes if that never ends. */
export type UserRecord = User;

export interface EmailRecord {
  readonly userName: string;
}

export interface StagedPassword {
  readonly email: string;
  /** As PasswordVault.seal gave it. */
  readonly sealed: string;
}

export function realmKey(realm: RealmId): Key<RealmRecord> {
  return { pk: `realm#${realm}`, sk: 'realm' };
}

export function userKey(realm: RealmId, userName: string): Key<UserRecord> {
  return { pk: `user#${realm}`, sk: fold(userName) };
}

/** All users of a realm. */
export function realmUsers(realm: RealmId): Partition<UserRecord> {
  return { pk: `user#${realm}` };
}

export function tenantUsers(realm: RealmId, tenantId: string): Partition<UserRecord> {
  return { index: 'g1', pk: `user#${realm}#tenant#${tenantId}` };
}

export function emailKey(realm: RealmId, email: string): Key<EmailRecord> {
  return { pk: `email#${realm}`, sk: fold(email) };
}

export function stagedKey(tenantId: string): Key<StagedPassword> {
  return { pk: `staged-password#${tenantId}`, sk: 'password' };
}

/** The form in which user names and emails are compared, and in which Cognito knows a user. */
export function fold(text: string): string {
  return text.normalize('NFC').toLowerCase();
}

export function userItem(realm: RealmId, record: UserRecord, version: number): Item<UserRecord> {
  const key = userKey(realm, record.userName);
  const { tenantId } = record;
  const indexes =
    tenantId === undefined ? {} : { indexes: { g1: { pk: tenantUsers(realm, tenantId).pk, sk: key.sk } } };
  return { ...key, version, data: record, ...indexes };
}

/** The registry's view of a user; it is written whenever the user is. */
export function subjectItem({ id, issuer }: RealmRecord, record: UserRecord, version: number): Item<Subject> {
  const { subject, userName, email, role, tenantId, enabled } = record;
  const data = {
    issuer,
    subject,
    realm: id,
    userName,
    email,
    role,
    ...(tenantId !== undefined && { tenantId }),
    enabled,
  };
  return { ...subjectKey(id, subject), version, data };
}
