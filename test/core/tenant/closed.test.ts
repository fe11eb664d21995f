import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { put } from '../../../core/ports/table.ts';
import { closedPartition, closing, notClosed } from '../../../core/tenant/closed.ts';
import { scopedTable } from '../../../core/tenant/scoped-table.ts';
import { openScratchTable } from '../../support/scratch-table.ts';

const TENANT = 'acme0000';
const OTHER = 'acme00001';

let scratch: Awaited<ReturnType<typeof openScratchTable>>;
beforeEach(async () => {
  scratch = await openScratchTable();
});
afterEach(async () => scratch.close());

const item = (tenantId: string, sk: string) => put({ pk: tenantId, sk, version: 1, data: { sk } });

test('the mark of a closed tenant lies outside of its partitions, and expires after a day', () => {
  expect(closedPartition(TENANT)).toBe('closed#acme0000');
  expect(closing(TENANT, 1_700_000_000_999)).toEqual({
    put: {
      ...{ pk: 'closed#acme0000', sk: 'closed', version: 1, data: { tenantId: TENANT } },
      expiresAt: 1_700_000_000 + 24 * 60 * 60,
    },
  });
  expect(notClosed(TENANT)).toEqual({ check: { pk: 'closed#acme0000', sk: 'closed' }, if: 'absent' });
});

test('ON-6: nothing is written for a tenant once it is closed, and other tenants write on', async () => {
  const { table, clock } = scratch;
  const [own, other] = [scopedTable(table, TENANT), scopedTable(table, OTHER)];
  await own.transact([item(TENANT, 'before')]);
  await table.transact([closing(TENANT, clock.now())]);
  await expect(own.transact([item(TENANT, 'after')])).rejects.toMatchObject({ code: 'FORBIDDEN' });
  expect(await own.get({ pk: TENANT, sk: 'after' })).toBeUndefined();
  await other.transact([item(OTHER, 'after')]);
  expect(await other.get({ pk: OTHER, sk: 'after' })).toMatchObject({ data: { sk: 'after' } });
  await expect(own.transact([])).resolves.toBeUndefined();
});
