import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { Lru } from '../../../core/collections/lru.ts';

const uses = fc.array(fc.record({ kind: fc.constantFrom('get', 'set'), key: fc.constantFrom(...'abcdefghij') }), {
  maxLength: 60,
});

describe('Lru', () => {
  test('keeps at most its capacity, and always the half of it that was used most recently', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), uses, (capacity, steps) => {
        const lru = new Lru<number>(capacity);
        const written = new Map<string, number>();
        let recent: string[] = [];
        for (const [i, { kind, key }] of steps.entries()) {
          if (kind === 'get' && lru.get(key) === undefined) continue;
          if (kind === 'set') {
            lru.set(key, i);
            written.set(key, i);
          }
          recent = [key, ...recent.filter((one) => one !== key)];
          expect(lru.size).toBeLessThanOrEqual(capacity);
        }
        const kept = recent.slice(0, Math.floor(capacity / 2) + 1);
        expect(kept.map((key) => lru.get(key))).toEqual(kept.map((key) => written.get(key)));
      }),
    );
  });

  test('does not have a key that is deleted', () => {
    const lru = new Lru<number>(2);
    lru.set('a', 1);
    lru.delete('a');
    expect([lru.get('a'), lru.size]).toEqual([undefined, 0]);
  });

  test('removes the entry that was used least recently', () => {
    const lru = new Lru<number>(2);
    lru.set('a', 1);
    lru.set('b', 2);
    expect(lru.get('a')).toBe(1);
    lru.set('c', 3);
    expect([lru.get('a'), lru.get('b'), lru.get('c'), lru.size]).toEqual([1, undefined, 3, 2]);
  });

  test('is empty after clear', () => {
    const lru = new Lru<number>(2);
    lru.set('a', 1);
    lru.clear();
    expect([lru.get('a'), lru.size]).toEqual([undefined, 0]);
  });
});
