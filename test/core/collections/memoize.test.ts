import { describe, expect, test } from '@jest/globals';
import { memoize } from '../../../core/collections/memoize.ts';

function counted(capacity: number) {
  const computed: string[] = [];
  const lookUp = memoize((key) => {
    computed.push(key);
    return key === 'nothing' ? undefined : key.toUpperCase();
  }, capacity);
  return { computed, lookUp };
}

describe('memoize', () => {
  test('computes the result of a key once', () => {
    const { computed, lookUp } = counted(2);
    expect([lookUp('a'), lookUp('a')]).toEqual(['A', 'A']);
    expect(computed).toEqual(['a']);
  });

  test('caches as many keys as its capacity, and still returns the right results for the others', () => {
    const { computed, lookUp } = counted(1);
    expect([lookUp('a'), lookUp('b'), lookUp('b'), lookUp('a')]).toEqual(['A', 'B', 'B', 'A']);
    expect(computed).toEqual(['a', 'b', 'b']);
  });

  test('does not let keys without a result take up its capacity', () => {
    const { computed, lookUp } = counted(1);
    expect([lookUp('nothing'), lookUp('a'), lookUp('a')]).toEqual([undefined, 'A', 'A']);
    expect(computed).toEqual(['nothing', 'a']);
  });
});
