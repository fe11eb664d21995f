import { expect, test } from '@jest/globals';
import { ExpiringCache } from '../../../core/collections/expiring-cache.ts';

const TTL_MS = 1_000;

test('a value is used until its time has passed, counted from when it was set', () => {
  const cache = new ExpiringCache<string>({ ttlMs: TTL_MS, maxEntries: 2 });
  cache.set('a', 'one', 500);
  expect([500, 1_499, 1_500, 9_000].map((now) => cache.get('a', now))).toEqual(['one', 'one', undefined, undefined]);
  cache.set('a', 'two', 1_500);
  expect(cache.get('a', 2_499)).toBe('two');
  expect(cache.get('b', 2_499)).toBeUndefined();
});

test('a value that was deleted is unknown, and so are all after they were cleared', () => {
  const cache = new ExpiringCache<number>({ ttlMs: TTL_MS, maxEntries: 3 });
  for (const [at, key] of ['a', 'b', 'c'].entries()) cache.set(key, at, 0);
  cache.delete('b');
  expect(['a', 'b', 'c'].map((key) => cache.get(key, 1))).toEqual([0, undefined, 2]);
  cache.clear();
  expect(['a', 'c'].map((key) => cache.get(key, 1))).toEqual([undefined, undefined]);
});

test('the cache holds no more values than it may', () => {
  const cache = new ExpiringCache<number>({ ttlMs: TTL_MS, maxEntries: 2 });
  for (let at = 0; at < 10; at++) cache.set(`k${at}`, at, 0);
  const found = Array.from({ length: 10 }, (_, at) => cache.get(`k${at}`, 1)).filter((one) => one !== undefined);
  expect(found.length).toBeLessThanOrEqual(2);
  expect(found).toContain(9);
});
