import { describe, expect, test } from '@jest/globals';
import { EMPTY_SHARD, freePlace, type ShardUse, withoutPlace, withPlace } from '../../../core/plan/cell.ts';
import type { Isolation } from '../../../core/tier/tiers.ts';

const range = (length: number, from = 100) => Array.from({ length }, (_, i) => from + i);
const shard = (change: Partial<ShardUse>): ShardUse => ({ ...EMPTY_SHARD, ...change });

describe('a place in a cell', () => {
  test.each<[string, readonly ShardUse[], Isolation, unknown]>([
    ['of the first tenant', [EMPTY_SHARD], 'service', { number: 1, priority: 100 }],
    ['has the lowest priority that is free', [shard({ service: [100, 102] })], 'service', { number: 1, priority: 101 }],
    [
      'shares no priority with a tenant of another tier',
      [shard({ cluster: [100] })],
      'service',
      { number: 1, priority: 101 },
    ],
    [
      'is in the shard with fewer such tenants',
      [shard({ service: [100] }), EMPTY_SHARD],
      'service',
      { number: 2, priority: 100 },
    ],
    ['of a pooled tenant needs no priority', [shard({ pool: 3 })], 'pool', { number: 1 }],
  ])('%s', (_what, shards, isolation, expected) => {
    expect(freePlace(shards, isolation)).toEqual(expected);
  });

  test.each<[string, readonly ShardUse[], Isolation, string]>([
    [
      '5,000 pooled tenants, over all shards',
      [shard({ pool: 3_000 }), shard({ pool: 2_000 })],
      'pool',
      'admits at most 5000 and has 5000',
    ],
    [
      '45 tenants with own services in each shard',
      [shard({ service: range(45) })],
      'service',
      'each of its 1 load balancers',
    ],
    ['20 tenants with an own cluster', [shard({ cluster: range(20) })], 'cluster', 'admits at most 20 and has 20'],
    [
      'no target groups left',
      [shard({ service: range(40), cluster: range(9, 200) })],
      'cluster',
      'each of its 1 load balancers',
    ],
  ])('is refused with the reason: %s', (_what, shards, isolation, reason) => {
    expect(() => freePlace(shards, isolation)).toThrow(expect.objectContaining({ code: 'FORBIDDEN' }));
    expect(() => freePlace(shards, isolation)).toThrow(reason);
  });

  test.each<[Isolation, ShardUse, ShardUse]>([
    ['pool', shard({ pool: 4_999 }), shard({ pool: 5_000 })],
    ['service', shard({ service: range(44) }), shard({ service: range(45) })],
    [
      'cluster',
      shard({ service: range(29), cluster: range(19, 200) }),
      shard({ service: range(29), cluster: [...range(19, 200), 129].sort() }),
    ],
  ])('is the last one that a cell admits, and can be given back: %s', (isolation, before, after) => {
    const place = freePlace([before], isolation);
    expect(withPlace(before, isolation, place)).toEqual(after);
    expect(withoutPlace(after, isolation, place)).toEqual(before);
  });
});
