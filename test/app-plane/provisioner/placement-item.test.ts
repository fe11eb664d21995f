import { describe, expect, test } from '@jest/globals';
import {
  admittedBefore,
  dueAt,
  isFinal,
  mustExist,
  type Placement,
  placementItem,
  unfinished,
} from '../../../app-plane/provisioner/placement.ts';
import type { Query, Table } from '../../../core/ports/table.ts';

const LEASE = { owner: 'one', until: 2_000 };
const PLACEMENT = {
  tenantId: 'acme0000',
  phase: 'accepted',
  desired: 'present',
  spec: { tier: 'premium' },
  acceptedAt: 7,
} as unknown as Placement;

function indexesOf(change: object) {
  return placementItem({ ...PLACEMENT, ...change } as Placement, 1).indexes;
}

describe('a placement is in the index', () => {
  const g3 = { pk: 'placement-tier#premium', sk: '000000000000007#acme0000' };
  const due = (sk: string) => ({ pk: 'placement-due', sk: `${sk}#acme0000` });

  test.each<[what: string, change: object, indexes: object]>([
    ['of due work from its acceptance on, and of its tier', {}, { g1: due('000000000000000'), g3 }],
    ['of due work at the next attempt', { nextAttemptAt: 1_500 }, { g1: due('000000000001500'), g3 }],
    ['of due work when its lease ends', { nextAttemptAt: 1_500, lease: LEASE }, { g1: due('000000000002000'), g3 }],
    ['of its tier alone once it is ready', { phase: 'ready' }, { g3 }],
    [
      'of tenants with their own tasks once such a tenant is ready',
      { phase: 'ready', allocations: { silo: true } },
      { g2: { pk: 'placement-silo', sk: 'acme0000' }, g3 },
    ],
    ['of none once it has failed', { phase: 'failed' }, {}],
    ['of none once it is gone', { phase: 'gone', desired: 'absent' }, {}],
    [
      'of due work alone while a tenant with its own tasks is removed',
      { phase: 'deprovisioning', desired: 'absent', allocations: { silo: true } },
      { g1: due('000000000000000') },
    ],
    ['of due work alone while its tier is unknown', { spec: undefined }, { g1: due('000000000000000') }],
    [
      'of due work alone while it is removed',
      { phase: 'deprovisioning', desired: 'absent' },
      { g1: due('000000000000000') },
    ],
  ])('%s', (_what, change, indexes) => {
    expect(indexesOf(change)).toStrictEqual(indexes);
  });
});

test('no work is left for a placement that is ready, failed or gone, unless an attempt or a lease is open', () => {
  const phases = ['accepted', 'provisioning', 'ready', 'failed', 'deprovisioning', 'gone'] as const;
  expect(phases.filter(isFinal)).toEqual(['ready', 'failed', 'gone']);
  expect(dueAt({ ...PLACEMENT, phase: 'ready' })).toBeUndefined();
  expect(dueAt({ ...PLACEMENT, phase: 'ready', nextAttemptAt: 5 })).toBe(5);
  expect(dueAt({ ...PLACEMENT, phase: 'ready', lease: LEASE })).toBe(2_000);
});

test('ON-5: the resources of a tenant are removed once it is not desired or has failed', () => {
  expect(mustExist(PLACEMENT)).toBe(true);
  expect(mustExist({ ...PLACEMENT, desired: 'absent' })).toBe(false);
  expect(mustExist({ ...PLACEMENT, spec: undefined } as unknown as Placement)).toBe(false);
  expect(mustExist({ ...PLACEMENT, failure: 'the disk is full' } as unknown as Placement)).toBe(false);
});

describe('the placements of an index', () => {
  const stored = Array.from({ length: 5 }, (_, i) => ({ ...PLACEMENT, tenantId: `tenant0${i}`, acceptedAt: i }));
  /** Has two placements on a page. */
  const table = {
    async query({ after }: Query) {
      const from = after === undefined ? 0 : Number(after);
      const items = stored.slice(from, from + 2).map((data) => ({ data }));
      return { items, ...(from + 2 < stored.length && { next: String(from + 2) }) };
    },
  } as unknown as Table;

  test('are read beyond the first page', async () => {
    const ids: string[] = [];
    for await (const { tenantId } of unfinished(table)) ids.push(tenantId);
    expect(ids).toEqual(stored.map(({ tenantId }) => tenantId));
  });

  test('are counted up to the own one, and no further than needed', async () => {
    const [first, , , fourth] = stored as [Placement, Placement, Placement, Placement];
    expect(await admittedBefore(table, first, 'premium', 9)).toBe(0);
    expect(await admittedBefore(table, fourth, 'premium', 9)).toBe(3);
    expect(await admittedBefore(table, fourth, 'premium', 2)).toBe(2);
  });
});
