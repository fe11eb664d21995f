import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { put, type Table } from '../../../core/ports/table.ts';
import type { TenantData } from '../../../core/ports/tenant-data.ts';
import type { MaybePending } from '../../../core/progress/pending.ts';
import { scopedTable } from '../../../core/tenant/scoped-table.ts';
import { until } from '../../support/until.ts';

export interface OpenTenantData {
  readonly data: TenantData;
  /** A store that pooled tenants share, as its service opens it. @default - this stand-in has none */
  readonly pooled?: Table;
  /** How long a call may need to be repeated, in ms. */
  readonly withinMs: number;
  close(): Promise<void>;
}

const TENANT = 'tenant00001';
/** Begins with the other's id. */
const SIBLING = 'tenant000010';
const TIMEOUT_MS = 120_000;

/** What every adapter of the TenantData port must do. */
export function tenantDataContract(name: string, open: () => Promise<OpenTenantData>): void {
  describe(`${name} as TenantData`, () => {
    let opened: OpenTenantData;
    let data: TenantData;
    beforeAll(async () => {
      opened = await open();
      data = opened.data;
    }, TIMEOUT_MS);
    afterAll(async () => opened.close(), TIMEOUT_MS);

    /** Repeats the call, as the reconciler does, until nothing is pending. */
    const done = (call: () => Promise<MaybePending>) => until(async () => !(await call()), opened.withinMs);

    test(
      "a tenant's own store is created and deleted, and another tenant's stays",
      async () => {
        expect(await data.has(TENANT)).toBe(false);
        for (const tenantId of [TENANT, SIBLING, SIBLING]) await done(() => data.ensure(tenantId, 'premium'));
        expect(await data.has(TENANT)).toBe(true);
        for (const _time of ['once', 'again']) {
          await data.close(TENANT);
          await done(() => data.delete(TENANT));
        }
        expect([await data.has(TENANT), await data.has(SIBLING)]).toEqual([false, true]);
      },
      TIMEOUT_MS,
    );

    test(
      'a store that was deleted is created again when the onboarding is repeated',
      async () => {
        await done(() => data.ensure(SIBLING, 'premium'));
        await done(() => data.delete(SIBLING));
        await done(() => data.ensure(SIBLING, 'premium'));
        expect(await data.has(SIBLING)).toBe(true);
      },
      TIMEOUT_MS,
    );

    test(
      'ON-6: the pooled items of one tenant are deleted past the first page, and those of a tenant whose id begins with the same characters stay',
      async () => {
        if (!opened.pooled) return;
        const [gone, stays] = ['tenantrow01', 'tenantrow010'];
        const [own, other] = [scopedTable(opened.pooled, gone), scopedTable(opened.pooled, stays)];
        const item = (pk: string, sk: string) => put({ pk, sk, version: 1, data: {} });
        for (let page = 0; page < 13; page++) {
          await own.transact(Array.from({ length: 99 }, (_, n) => item(`${gone}#${n % 7}`, `${page}-${n}`)));
        }
        await own.transact([item(gone, 'a')]);
        await other.transact([item(stays, 'b'), item(`${stays}#order`, 'c')]);
        expect([await data.has(gone), await data.has(stays)]).toEqual([true, true]);
        await done(() => data.delete(gone));
        expect([await data.has(gone), await data.has(stays)]).toEqual([false, true]);
        for (let n = 0; n < 7; n++) {
          expect((await own.query({ pk: `${gone}#${n}`, limit: 1 })).items).toEqual([]);
        }
        expect(await other.get({ pk: `${stays}#order`, sk: 'c' })).toBeDefined();
      },
      TIMEOUT_MS,
    );

    test(
      'a closed tenant cannot write pooled items any more, a deleted one can',
      async () => {
        if (!opened.pooled) return;
        const [closed, repeated] = ['tenantclose1', 'tenantclose2'];
        const item = (pk: string) => put({ pk, sk: 'late', version: 1, data: {} });
        const write = (tenantId: string) => scopedTable(opened.pooled as Table, tenantId).transact([item(tenantId)]);
        await write(closed);
        await write(repeated);
        // As each pass of an offboarding does.
        await done(async () => {
          await data.close(closed);
          return await data.delete(closed);
        });
        await done(() => data.delete(repeated));
        await expect(write(closed)).rejects.toMatchObject({ code: 'FORBIDDEN' });
        expect(await data.has(closed)).toBe(false);
        await write(repeated);
        expect(await data.has(repeated)).toBe(true);
      },
      TIMEOUT_MS,
    );

    test.each(['../etc', 'UPPER0000', 'short', '', 'a/b/c/d/e', 'tenant00001#'])(
      'refuses the tenant id %j',
      async (tenantId) => {
        for (const call of ['ensure', 'has', 'delete', 'close'] as const) {
          await expect(data[call](tenantId, 'premium')).rejects.toMatchObject({ code: 'INVALID' });
        }
      },
    );
  });
}
