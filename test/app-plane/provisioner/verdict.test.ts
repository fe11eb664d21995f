import { describe, expect, test } from '@jest/globals';
import type { Placement } from '../../../app-plane/provisioner/placement.ts';
import { type VerdictDeps, verdictOf } from '../../../app-plane/provisioner/verdict.ts';
import type { Change, Resource, ResourceDriver, ResourceKind } from '../../../core/plan/resources.ts';
import type { Query, Table } from '../../../core/ports/table.ts';
import { TIERS } from '../../../tenant-templates/tiers.ts';
import { placementOf } from './placements.ts';

const ID = 'acme0000';
const DATA = { kind: 'data', name: 'data', tenantId: ID, spec: {}, inputs: { tier: 'premium' } } as const;
const inputs = { tier: 'premium', size: TIERS.premium.task } as const;
const CLUSTER = { kind: 'cluster', name: `tenant-${ID}`, tenantId: ID, spec: {}, inputs } as const;
const SILO = { realm: 'pool', cluster: 'shared', silo: true } as const;

/** A driver that finds `found`, and adds itself to `asked` when it observes. */
function driverOf(kinds: readonly ResourceKind[], found: readonly Resource[], asked: string[] = []): ResourceDriver {
  return {
    kinds,
    async observe(tenantId, of) {
      asked.push(`${of?.join()} of ${tenantId}`);
      return found;
    },
    apply: async () => undefined,
  };
}

/** A table whose tier has tenants that were accepted before every other one. */
function tableWith(earlier: number): Table {
  const items = Array.from({ length: earlier }, (_, i) => ({ data: placementOf({ tenantId: `tenant0${i}` }) }));
  return { query: async (_: Query) => ({ items }) } as unknown as Table;
}

function depsOf(change: Partial<VerdictDeps> = {}): VerdictDeps {
  return { table: tableWith(0), drivers: [], shapeOf: () => [], maxTenants: {}, noDelete: false, ...change };
}

const labels = (changes: readonly Change[]) => changes.map(({ action, resource }) => `${action} ${resource.kind}`);
const present = (change: Partial<Placement> = {}) => placementOf({ acceptedAt: 5, ...change });
const absent = placementOf({ phase: 'deprovisioning', desired: 'absent' });

describe('the verdict on a tenant that must exist', () => {
  test('allows what its shape has and the drivers do not find', async () => {
    const deps = depsOf({
      drivers: [driverOf(['cluster'], [])],
      shapeOf: ({ tier }) => (tier === 'premium' ? [CLUSTER] : []),
    });
    const verdict = await verdictOf(present(), deps);
    expect([labels(verdict.allowed), verdict.withheld, verdict.refusal]).toEqual([['create cluster'], [], undefined]);
  });

  test('allows nothing if the drivers, taken together, find all of its shape', async () => {
    const drivers = [driverOf(['cluster'], [CLUSTER]), driverOf(['data'], [DATA])];
    expect((await verdictOf(present(), depsOf({ drivers, shapeOf: () => [CLUSTER, DATA] }))).allowed).toEqual([]);
  });

  test.each<[string, readonly Resource[], string[]]>([
    ['does not look for data if its shape has none', [CLUSTER], [`cluster of ${ID}`, `cluster of ${ID}`]],
    [
      'looks for data if its shape has some',
      [CLUSTER, DATA],
      [`cluster of ${ID}`, `data of ${ID}`, `data,cluster of ${ID}`],
    ],
  ])('%s', async (_what, shape, expected) => {
    const asked: string[] = [];
    const kinds: ResourceKind[][] = [['cluster'], ['data'], ['data', 'cluster']];
    const drivers = kinds.map((of) => driverOf(of, [], asked));
    await verdictOf(present(), depsOf({ drivers, shapeOf: () => shape }));
    expect(asked).toEqual(expected);
  });

  test('withholds the removal of data, and of nothing else', async () => {
    const drivers = [driverOf(['data', 'cluster', 'service'], [DATA, CLUSTER])];
    const verdict = await verdictOf(present({ allocations: SILO }), depsOf({ drivers }));
    expect([labels(verdict.allowed), labels(verdict.withheld)]).toEqual([['delete cluster'], ['delete data']]);
  });

  test('withholds every removal if nothing is ever deleted', async () => {
    const drivers = [driverOf(['data', 'cluster', 'service'], [DATA, CLUSTER])];
    const verdict = await verdictOf(present({ allocations: SILO }), depsOf({ drivers, noDelete: true }));
    expect([verdict.allowed, labels(verdict.withheld).toSorted()]).toEqual([[], ['delete cluster', 'delete data']]);
  });
});

describe('the verdict on a tenant that must not exist', () => {
  const asked: string[] = [];
  const drivers = [driverOf(['cluster'], [CLUSTER], asked), driverOf(['data'], [DATA], asked)];
  const shapeOf = () => [CLUSTER, DATA];

  test.each<[string, Placement]>([
    ['is not desired', absent],
    ['could not be onboarded', present({ failure: 'no room' })],
  ])('allows to remove all of it, also its data, if it %s', async (_what, placement) => {
    asked.length = 0;
    const verdict = await verdictOf(placement, depsOf({ drivers, shapeOf }));
    expect(labels(verdict.allowed).toSorted()).toEqual(['delete cluster', 'delete data']);
    expect(asked).toHaveLength(2);
  });

  test('withholds all of it if nothing is ever deleted', async () => {
    const verdict = await verdictOf(absent, depsOf({ drivers, shapeOf, noDelete: true }));
    expect([verdict.allowed, verdict.withheld.length]).toEqual([[], 2]);
  });

  test('is not refused by a full tier', async () => {
    const full = depsOf({ drivers, shapeOf, table: tableWith(2), maxTenants: { premium: 2 } });
    expect((await verdictOf(absent, full)).refusal).toBeUndefined();
  });
});

describe('a tier with a limit', () => {
  const verdictWith = async (
    earlier: number,
    maxTenants: VerdictDeps['maxTenants'],
    change: Partial<Placement> = {},
  ) => {
    const drivers = [driverOf(['cluster'], [])];
    const deps = depsOf({ drivers, shapeOf: () => [CLUSTER], table: tableWith(earlier), maxTenants });
    const { allowed, refusal } = await verdictOf(present(change), deps);
    return { changes: allowed.length, refusal };
  };

  test('admits as many tenants as it allows', async () => {
    expect(await verdictWith(1, { premium: 2 })).toEqual({ changes: 1, refusal: undefined });
    expect(await verdictWith(2, { premium: 2 })).toEqual({
      changes: 0,
      refusal: 'tier premium is full: it admits at most 2 tenants and has 2',
    });
  });

  test('does not limit other tiers, or tenants that are ready', async () => {
    expect(await verdictWith(2, { basic: 2 })).toEqual({ changes: 1, refusal: undefined });
    expect(await verdictWith(2, { premium: 2 }, { phase: 'ready' })).toEqual({ changes: 1, refusal: undefined });
  });
});
