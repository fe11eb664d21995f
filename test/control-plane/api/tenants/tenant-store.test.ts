import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  changeTenant,
  getTenant,
  insertTenant,
  type ListOptions,
  listTenants,
  requireTenant,
  tenantBySlug,
  tenantIdByEmail,
} from '../../../../control-plane/api/tenants/tenant-store.ts';
import { ConditionFailed } from '../../../../core/errors.ts';
import { encodePageToken } from '../../../../core/http/page-token.ts';
import { put, type Table } from '../../../../core/ports/table.ts';
import { slugLockKey, tenantItem } from '../../../../core/tenant/record.ts';
import { openStoredTenants, type StoredTenants, tenantRecord } from './stored-tenants.ts';

const ID = 'acme0000';
const mark = { pk: 'mark', sk: 'mark' };
const MARK = put({ ...mark, version: 1, data: {} }, 'absent');

let tenants: StoredTenants;
let deps: StoredTenants['deps'];
beforeEach(async () => {
  tenants = await openStoredTenants();
  deps = tenants.deps;
});
afterEach(async () => tenants[Symbol.asyncDispose]());

/** The table, with `before` called before each transaction. */
function tableWith(before: () => Promise<unknown>): Table {
  const { table } = deps;
  return {
    get: (key) => table.get(key),
    query: (query) => table.query(query),
    async transact(writes) {
      await before();
      await table.transact(writes);
    },
  };
}

/** The table, which adds the partition of each read to `keys`. */
function watchedTable(keys: string[]): Table {
  const { table } = deps;
  return {
    get: (key) => {
      keys.push(key.pk);
      return table.get(key);
    },
    query: (query) => table.query(query),
    transact: (writes) => table.transact(writes),
  };
}

describe('a tenant', () => {
  test('is found by its id, its slug and its email in any case of letters, and by nothing else', async () => {
    const record = await tenants.insert();
    expect(await requireTenant(deps, ID)).toEqual(record);
    expect(await tenantBySlug(deps, 'acme')).toEqual(record);
    expect(await tenantIdByEmail(deps, 'BOSS@acme.example')).toBe(ID);
    const missing = { code: 'NOT_FOUND', message: 'Tenant not found for id globex00' };
    await expect(requireTenant(deps, 'globex00')).rejects.toMatchObject(missing);
    expect(await getTenant(deps, 'globex00')).toBeUndefined();
    expect(await tenantBySlug(deps, 'globex')).toBeUndefined();
    expect(await tenantIdByEmail(deps, 'boss@globex.example')).toBeUndefined();
  });

  test('SE-6: is not looked for under a text that no tenant can have', async () => {
    const longest = 'x'.repeat(63);
    const record = await tenants.insert({ slug: longest, tenantName: longest });
    const keys: string[] = [];
    const watched = { ...deps, table: watchedTable(keys) };
    expect(await tenantBySlug(watched, longest)).toEqual(record);
    keys.length = 0;
    for (const slug of ['', 'x'.repeat(64)]) expect(await tenantBySlug(watched, slug)).toBeUndefined();
    for (const id of ['', 'short', 'ACME0000', 'a'.repeat(27)]) {
      expect(await getTenant(watched, id)).toBeUndefined();
      await expect(changeTenant(watched, id, () => undefined)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
    expect(keys).toEqual([]);
  });
});

describe('ON-9: a new tenant', () => {
  const other = tenantRecord({
    tenantId: 'globex00',
    tenantName: 'Globex',
    slug: 'globex',
    email: 'boss@globex.example',
  });

  test.each([
    ['name', { tenantName: 'ACME', slug: 'acme' }, "Tenant name 'ACME' is taken"],
    ['email', { email: 'Boss@acme.example' }, "Email 'Boss@acme.example' is taken"],
    ['name and email', { slug: 'acme', email: 'boss@acme.example' }, "Tenant name 'Globex' is taken"],
  ])('is refused for a taken %s', async (_what, taken, message) => {
    await tenants.insert();
    await expect(insertTenant(deps, { ...other, ...taken }, [MARK])).rejects.toMatchObject({
      code: 'CONFLICT',
      message,
    });
    expect([await getTenant(deps, 'globex00'), await deps.table.get(mark)]).toEqual([undefined, undefined]);
  });

  test('is refused with the condition of a further write that does not hold, before a taken name', async () => {
    await tenants.insert();
    await deps.table.transact([MARK]);
    const further = [put({ pk: 'other', sk: 'x', version: 1, data: {} }), MARK];
    for (const record of [other, { ...other, slug: 'acme' }]) {
      const error = await insertTenant(deps, record, further).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(ConditionFailed);
      expect(error).toMatchObject({ failed: [1] });
    }
    // For an id that exists, the error names the tenant's own record, not that of a lock.
    const again = { ...other, tenantId: ID };
    await expect(insertTenant(deps, again, [])).rejects.toMatchObject({ code: 'CONDITION_FAILED', failed: [0] });
  });

  test('is not called taken because the store fails', async () => {
    const failing = tableWith(async () => Promise.reject(new Error('disk full')));
    await expect(insertTenant({ ...deps, table: failing }, other, [])).rejects.toThrow('disk full');
  });
});

describe('a change of a tenant', () => {
  test('moves the locks of name and email, and keeps those that stay', async () => {
    const record = await tenants.insert();
    const rename = { ...record, tenantName: 'Acme Two', slug: 'acme-two' };
    await changeTenant(deps, ID, () => ({ record: rename }));
    expect(await tenantBySlug(deps, 'acme')).toBeUndefined();
    expect(await tenantBySlug(deps, 'acme-two')).toMatchObject({ tenantId: ID });
    expect(await tenantIdByEmail(deps, record.email)).toBe(ID);
    await changeTenant(deps, ID, () => ({ record: { ...rename, email: 'new@acme.example' } }));
    expect(await tenantIdByEmail(deps, record.email)).toBeUndefined();
    expect(await tenantIdByEmail(deps, 'new@acme.example')).toBe(ID);
    await changeTenant(deps, ID, (before) => ({ record: { ...before, state: 'deleted' } }));
    expect(await tenantBySlug(deps, 'acme-two')).toBeUndefined();
    expect(await tenantIdByEmail(deps, 'new@acme.example')).toBeUndefined();
    await changeTenant(deps, ID, (before) => ({ record: { ...before, state: 'deleted', slug: 'gone' } }));
    expect(await tenantBySlug(deps, 'gone')).toBeUndefined();
  });

  test.each([
    ['name', { tenantName: 'GLOBEX', slug: 'globex' }, "Tenant name 'GLOBEX' is taken"],
    ['email', { email: 'boss@globex.example' }, "Email 'boss@globex.example' is taken"],
    ['email beside a new name', { slug: 'else', email: 'boss@globex.example' }, "Email 'boss@globex.example' is taken"],
  ])('is refused for a taken %s, and changes nothing', async (_what, taken, message) => {
    const record = await tenants.insert();
    await tenants.insert({ tenantId: 'globex00', slug: 'globex', email: 'boss@globex.example' });
    const change = changeTenant(deps, ID, () => ({ record: { ...record, ...taken }, further: [MARK] }));
    await expect(change).rejects.toMatchObject({ code: 'CONFLICT', message });
    expect([(await tenants.item())?.data, await deps.table.get(mark)]).toEqual([record, undefined]);
  });

  test('is refused with the index of the further write whose condition does not hold', async () => {
    const record = await tenants.insert();
    await deps.table.transact([MARK]);
    const further = [put({ pk: 'other', sk: 'x', version: 1, data: {} }), MARK];
    const change = changeTenant(deps, ID, () => ({ record: { ...record, slug: 'acme-two' }, further }));
    await expect(change).rejects.toMatchObject({ code: 'CONDITION_FAILED', failed: [1] });
    expect(await deps.table.get(slugLockKey('acme-two'))).toBeUndefined();
  });

  test('has the time of the change, and is not written if there is none', async () => {
    const record = await tenants.insert();
    deps.clock.advance(60_000);
    expect(await changeTenant(deps, ID, () => undefined)).toEqual(record);
    expect((await tenants.item())?.version).toBe(1);
    const changed = { ...record, modified: '2026-01-01T00:01:00.000Z' };
    expect(await changeTenant(deps, ID, () => ({ record }))).toEqual(changed);
    expect(await tenants.item()).toMatchObject({ version: 2, data: changed });
    await expect(changeTenant(deps, 'globex00', () => ({ record }))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test.each([
    [9, undefined],
    [10, { code: 'CONDITION_FAILED', message: `tenant ${ID} keeps changing`, cause: expect.any(ConditionFailed) }],
  ])('is tried ten times: other writers may be faster %i times', async (faster, error) => {
    await tenants.insert();
    let lost = 0;
    const table = tableWith(async () => {
      const item = await tenants.item();
      if (!item || lost++ >= faster) return;
      await deps.table.transact([put(tenantItem({ ...item.data, tenantStatus: `${lost}` }, item.version + 1))]);
    });
    const change = changeTenant({ ...deps, table }, ID, (record) => ({ record: { ...record, reason: 'mine' } }));
    if (error) return expect(change).rejects.toMatchObject(error);
    // The change is made on top of what the others have written.
    return expect(change).resolves.toMatchObject({ reason: 'mine', tenantStatus: '9' });
  });
});

describe('a page of tenants', () => {
  const NAMES = ['acme', 'acme-corp', 'beta', 'abba', 'left'];

  beforeEach(async () => {
    for (const [i, slug] of NAMES.entries()) {
      const tier = i % 2 ? 'premium' : 'basic';
      const fields = { tenantId: `tenant0${i}`, slug, tier, email: `${i}@x.example` } as const;
      const state = i < 3 ? 'active' : 'deleted';
      await deps.table.transact([put(tenantItem(tenantRecord({ ...fields, state }), 1))]);
    }
  });

  async function pages(options: Omit<ListOptions, 'limit'>, limit: number): Promise<string[][]> {
    const found: string[][] = [];
    let token: string | undefined;
    do {
      const page = await listTenants(deps, { ...options, limit, ...(token !== undefined && { token }) });
      found.push(page.items.map(({ slug }) => slug));
      token = page.next;
    } while (token !== undefined);
    return found;
  }

  test.each<[what: string, options: Omit<ListOptions, 'limit'>, expected: string[][]]>([
    ['all but the deleted ones', {}, [['acme', 'acme-corp'], ['beta']]],
    ['all, the deleted ones last', { includeDeleted: true }, [['acme', 'acme-corp'], ['beta', 'abba'], ['left']]],
    ['the deleted ones', { state: 'deleted' }, [['abba', 'left']]],
    ['a state, whatever is included', { state: 'active', includeDeleted: true }, [['acme', 'acme-corp'], ['beta']]],
    ['a tier, with its deleted ones', { tier: 'basic', includeDeleted: true }, [['acme', 'beta'], ['left']]],
    ['a beginning of the name', { slugPrefix: 'acme' }, [['acme', 'acme-corp']]],
    ['a name that none has', { slugPrefix: 'x', includeDeleted: true }, [[]]],
  ])('holds %s', async (_what, options, expected) => {
    expect(await pages(options, 2)).toEqual(expected);
  });

  test('ends exactly at the end of a partition, and continues with the next', async () => {
    expect(await pages({ includeDeleted: true }, 3)).toEqual([
      ['acme', 'acme-corp', 'beta'],
      ['abba', 'left'],
    ]);
    expect(await pages({}, 3)).toEqual([['acme', 'acme-corp', 'beta']]);
  });

  test('SE-6: is refused for a token of another list', async () => {
    const token = encodePageToken('system users', '[0,null]');
    await expect(listTenants(deps, { limit: 1, token })).rejects.toMatchObject({ code: 'BAD_PAGE_TOKEN' });
  });
});
