import { defined } from '../../../core/defined.ts';
import { ConditionFailed, DomainError } from '../../../core/errors.ts';
import { decodePageToken, encodePageToken } from '../../../core/http/page-token.ts';
import { type Item, type Key, type Page, put, type Write } from '../../../core/ports/table.ts';
import { type Update, updateItem } from '../../../core/retry/update-item.ts';
import { TENANT_ID } from '../../../core/tenant/ids.ts';
import {
  emailLockKey,
  type Lock,
  slugLockKey,
  type TenantFilter,
  type TenantRecord,
  tenantItem,
  tenantKey,
  tenantPartition,
} from '../../../core/tenant/record.ts';
import type { StoreDeps } from '../http/deps.ts';

/** Attempts of one change; each lost race means that another request succeeded. */
const MAX_ATTEMPTS = 10;

/** The tenant, including a deleted one; undefined if it never existed. */
export async function getTenant({ table }: StoreDeps, tenantId: string): Promise<Item<TenantRecord> | undefined> {
  if (!TENANT_ID.test(tenantId)) return undefined;
  return table.get(tenantKey(tenantId));
}

/** Throws NOT_FOUND. */
export async function requireTenant(deps: StoreDeps, tenantId: string): Promise<TenantRecord> {
  const item = await getTenant(deps, tenantId);
  if (!item) throw tenantNotFound(tenantId);
  return item.data;
}

function tenantNotFound(tenantId: string): DomainError {
  return new DomainError('NOT_FOUND', `Tenant not found for id ${tenantId}`);
}

/** A slug is at most as long as the longest name. */
const LONGEST_SLUG = 63;

/** The tenant with this slug, unless it is deleted. */
export async function tenantBySlug(deps: StoreDeps, slug: string): Promise<TenantRecord | undefined> {
  if (slug === '' || slug.length > LONGEST_SLUG) return undefined;
  const lock = await deps.table.get(slugLockKey(slug));
  return lock && (await getTenant(deps, lock.data.tenantId))?.data;
}

/** The id of the tenant whose first admin has this email, unless it is deleted. */
export async function tenantIdByEmail({ table }: StoreDeps, email: string): Promise<string | undefined> {
  return (await table.get(emailLockKey(email)))?.data.tenantId;
}

/**
 * Stores a new tenant with its locks and `further` writes in one transaction.
 * Throws CONFLICT for a taken name or email, ConditionFailed (indexes into `further`) for another condition.
 */
export async function insertTenant(
  { table }: StoreDeps,
  record: TenantRecord,
  further: readonly Write[],
): Promise<void> {
  const own: readonly Write[] = [
    put(tenantItem(record, 1), 'absent'),
    takeLock(slugLockKey(record.slug), record.tenantId),
    takeLock(emailLockKey(record.email), record.tenantId),
  ];
  try {
    await table.transact([...own, ...further]);
  } catch (error) {
    if (!(error instanceof ConditionFailed)) throw error;
    const others = error.failed.filter((index) => index >= own.length).map((index) => index - own.length);
    if (others.length > 0) throw new ConditionFailed(others);
    if (error.failed.includes(1)) throw nameTaken(record.tenantName);
    if (error.failed.includes(2)) throw emailTaken(record.email);
    throw error;
  }
}

function takeLock(key: Key<Lock>, tenantId: string): Write {
  return put({ ...key, version: 1, data: { tenantId } }, 'absent');
}

export function nameTaken(name: string): DomainError {
  return new DomainError('CONFLICT', `Tenant name '${name}' is taken`);
}

export function emailTaken(email: string): DomainError {
  return new DomainError('CONFLICT', `Email '${email}' is taken`);
}

/** A change of a tenant: the new record, and the writes that belong to it, such as its event. */
export interface TenantChange {
  readonly record: TenantRecord;
  readonly further?: readonly Write[];
}

/**
 * Changes a tenant's record with its locks; see `updateItem`. `decide` returns undefined to leave the record as it is,
 * or throws to refuse.
 * Throws NOT_FOUND, CONFLICT for a taken name or email, ConditionFailed for a condition of `further`, CONDITION_FAILED
 * if the record keeps changing.
 *
 * @returns the record after the change
 */
export async function changeTenant(
  deps: StoreDeps,
  tenantId: string,
  decide: (record: TenantRecord) => TenantChange | undefined,
): Promise<TenantRecord> {
  if (!TENANT_ID.test(tenantId)) throw tenantNotFound(tenantId);
  const update = (before: TenantRecord): Update<TenantRecord> | undefined => {
    const change = decide(before);
    return change && updateOf(before, change, deps.clock.now());
  };
  const updated = await updateItem(deps.table, tenantKey(tenantId), (current) => current && update(current.data), {
    maxAttempts: MAX_ATTEMPTS,
    contended: (cause) => keepsChanging(tenantId, cause),
  });
  if (!updated) throw tenantNotFound(tenantId);
  return updated.data;
}

function updateOf(before: TenantRecord, { record, further = [] }: TenantChange, nowMs: number): Update<TenantRecord> {
  const after = { ...record, modified: new Date(nowMs).toISOString() };
  const locks = lockWrites(before, after);
  const refusal = (failed: readonly number[]): Error | undefined => {
    const lost = locks.find((_, index) => failed.includes(index));
    return lost ? takenError(lost, after) : new ConditionFailed(failed.map((index) => index - locks.length));
  };
  return { item: tenantItem(after, 0), also: [...locks, ...further], refusal };
}

function keepsChanging(tenantId: string, cause: unknown): DomainError {
  return new DomainError('CONDITION_FAILED', `tenant ${tenantId} keeps changing`, { cause });
}

function takenError(lock: Write, record: TenantRecord): DomainError {
  const isName = 'put' in lock && lock.put.pk === slugLockKey(record.slug).pk;
  return isName ? nameTaken(record.tenantName) : emailTaken(record.email);
}

/** A tenant holds the locks of its slug and email until it is deleted. */
function lockWrites(before: TenantRecord, after: TenantRecord): Write[] {
  const keysOf = (record: TenantRecord) =>
    record.state === 'deleted' ? [] : [slugLockKey(record.slug), emailLockKey(record.email)];
  const held = keysOf(before);
  const needed = keysOf(after);
  return [
    ...needed.filter(({ pk }) => !held.some((key) => key.pk === pk)).map((key) => takeLock(key, after.tenantId)),
    ...held
      .filter(({ pk }) => !needed.some((key) => key.pk === pk))
      .map((key): Write => ({ delete: key, if: 'present' })),
  ];
}

export interface ListOptions extends TenantFilter {
  /** In lower case; only slugs that begin with this. */
  readonly slugPrefix?: string;
  /** Whether deleted tenants follow the others. @default false */
  readonly includeDeleted?: boolean;
  /** 1..1000 */
  readonly limit: number;
  /** The `next` of the previous page. */
  readonly token?: string;
}

/** One page in order of slug. Throws BAD_PAGE_TOKEN for a token that is not of this list. */
export async function listTenants(
  { table }: StoreDeps,
  query: ListOptions,
): Promise<{ items: TenantRecord[]; next?: string }> {
  const { state, tier } = query;
  const filters: TenantFilter[] = [defined({ state, tier })];
  if (query.includeDeleted && state === undefined) filters.push({ state: 'deleted', ...defined({ tier }) });
  const start = decodeToken(query.token);

  const items: TenantRecord[] = [];
  let after = start.after;
  for (let partition = start.partition; partition < filters.length; partition++) {
    const room = query.limit - items.length;
    if (room === 0) return { items, next: encodeToken({ partition }) };
    const page: Page<TenantRecord> = await table.query({
      ...tenantPartition(filters[partition] ?? {}),
      limit: room,
      ...(query.slugPrefix !== undefined && { prefix: query.slugPrefix }),
      ...(after !== undefined && { after }),
    });
    items.push(...page.items.map((item) => item.data));
    if (page.next !== undefined) return { items, next: encodeToken({ partition, after: page.next }) };
    after = undefined;
  }
  return { items };
}

interface Position {
  readonly partition: number;
  readonly after?: string;
}

const LIST = 'tenants';

function encodeToken({ partition, after }: Position): string {
  return encodePageToken(LIST, JSON.stringify([partition, after ?? null]));
}

function decodeToken(token: string | undefined): Position {
  const position = decodePageToken(LIST, token);
  if (position === undefined) return { partition: 0 };
  const [partition, after] = JSON.parse(position) as [number, string | null];
  return { partition, ...(after !== null && { after }) };
}
