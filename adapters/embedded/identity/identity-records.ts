import type { JWK } from 'jose';
import type { RealmId, RealmSpec, User } from '../../../core/ports/identity.ts';
import type { Item, Key, ListedItem, Partition, Query, Table, Write } from '../../../core/ports/table.ts';
import { type Subject, subjectKey } from '../../../core/routing/registry.ts';
import type { PasswordSecret } from './passwords.ts';

/** What identity keeps, where. Only adapters/embedded/identity/identity.ts and oidc/ read or write these. */
export interface UserRecord extends User {
  readonly secret: PasswordSecret;
}

export interface EmailRecord {
  readonly userName: string;
}

export interface StagedPassword {
  readonly email: string;
  readonly secret: PasswordSecret;
}

/** A realm's signing keys, private parts included; the first one signs. */
export interface RealmKeys {
  readonly keys: readonly JWK[];
}

export const REALMS: Partition<RealmSpec> = { index: 'g1', pk: 'realms' };

/** All users of a realm. */
export function realmUsers(realm: RealmId): Partition<UserRecord> {
  return { pk: `user#${realm}` };
}

export function realmKey(realm: RealmId): Key<RealmSpec> {
  return { pk: `realm#${realm}`, sk: 'realm' };
}

export function realmKeysKey(realm: RealmId): Key<RealmKeys> {
  return { pk: `realm#${realm}`, sk: 'keys' };
}

export function userKey(realm: RealmId, userName: string): Key<UserRecord> {
  return { pk: `user#${realm}`, sk: fold(userName) };
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

/** Whose mails they are. */
export function mailOwner(realm: RealmId, subject: string): string {
  return `${realm}#${subject}`;
}

/** The form in which user names and emails are compared. */
export function fold(text: string): string {
  return text.normalize('NFC').toLowerCase();
}

export function realmItem(spec: RealmSpec): Item<RealmSpec> {
  return { ...realmKey(spec.id), version: 1, data: spec, indexes: { g1: { pk: REALMS.pk, sk: spec.id } } };
}

export function userItem(realm: RealmId, record: UserRecord, version: number): Item<UserRecord> {
  const key = userKey(realm, record.userName);
  const { tenantId } = record;
  return {
    ...key,
    version,
    data: record,
    ...(tenantId !== undefined && { indexes: { g1: { pk: tenantUsers(realm, tenantId).pk, sk: key.sk } } }),
  };
}

/** The registry's view of a user; it is written whenever the user is. */
export function subjectItem(realm: RealmId, issuer: string, record: UserRecord, version: number): Item<Subject> {
  const { subject, userName, email, role, tenantId, enabled } = record;
  const data: Subject = {
    issuer,
    subject,
    realm,
    userName,
    email,
    role,
    enabled,
    ...(tenantId !== undefined && { tenantId }),
  };
  return { ...subjectKey(realm, subject), version, data };
}

/** A user as others see it. */
export function toUser({ secret: _, ...user }: UserRecord): User {
  return user;
}

/**
 * Deletes everything a query finds, also past the first page.
 * @param related further deletions that go with an item, in its transaction; at most 99
 */
export async function deleteAll<T extends object>(
  table: Table,
  query: Omit<Query<T>, 'limit' | 'after'>,
  related: (item: ListedItem<T>) => Promise<readonly Write[]> | readonly Write[] = () => [],
): Promise<void> {
  for (;;) {
    const page = await table.query({ ...query, limit: 50 });
    if (page.items.length === 0) return;
    let batch: Write[] = [];
    for (const item of page.items) {
      const writes: Write[] = [{ delete: { pk: item.pk, sk: item.sk } }, ...(await related(item))];
      if (batch.length + writes.length > 100) {
        await table.transact(batch);
        batch = [];
      }
      batch.push(...writes);
    }
    await table.transact(batch);
  }
}
