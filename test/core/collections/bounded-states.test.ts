import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { BoundedStates } from '../../../core/collections/bounded-states.ts';

interface Counter {
  count: number;
}

function counters(capacity: number, shared: number): BoundedStates<Counter> {
  return new BoundedStates({ capacity, shared, create: () => ({ count: 0 }), isIdle: ({ count }) => count === 0 });
}

describe('bounded states', () => {
  test('are one per key, up to the capacity', () => {
    const states = counters(3, 2);
    for (const key of ['a', 'b', 'c', 'a']) states.of(key, 0).count += 1;
    expect([states.of('a', 0).count, states.of('b', 0).count, states.size]).toEqual([2, 1, 3]);
  });

  test('never forget a key, never count less than the key did, and are bounded in number', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(50), { maxLength: 300 }),
        fc.nat(5),
        fc.integer({ min: 1, max: 5 }),
        (keys, own, shared) => {
          const states = counters(own, shared);
          const exact = new Map<number, number>();
          for (const [now, key] of keys.entries()) {
            states.of(`key${key}`, now).count += 1;
            exact.set(key, (exact.get(key) ?? 0) + 1);
          }
          for (const [key, count] of exact) expect(states.of(`key${key}`, 0).count).toBeGreaterThanOrEqual(count);
          expect(states.size).toBeLessThanOrEqual(own + shared);
        },
      ),
    );
  });

  test('spread the keys without a state of their own over all shared states', () => {
    const states = counters(0, 8);
    const keys = Array.from({ length: 200 }, (_, at) => `client-${at}`);
    for (const key of keys) states.of(key, 0).count += 1;
    expect(states.size).toBe(8);
    for (const key of keys) expect(states.of(key, 0).count).toBeLessThan(60);
  });

  test('make room for new keys by removing idle ones, at most once a minute', () => {
    const states = counters(2, 1);
    states.of('busy', 0).count = 1;
    states.of('idle', 0);
    states.of('new', 0).count = 5;
    expect([states.of('busy', 0).count, states.of('new', 0).count]).toEqual([1, 5]);
    states.of('new', 0).count = 0;
    states.of('third', 59_999).count = 7;
    expect(states.of('fourth', 59_999).count).toBe(7);
    // There is room at the next minute, but not for keys whose shared state still matters.
    expect(states.of('third', 60_000).count).toBe(7);
    states.of('third', 60_000).count = 0;
    states.of('fifth', 60_000).count = 9;
    states.of('sixth', 60_000).count = 3;
    expect([states.of('fifth', 60_000).count, states.of('third', 60_000).count]).toEqual([9, 3]);
    expect(states.size).toBe(3);
  });
});
