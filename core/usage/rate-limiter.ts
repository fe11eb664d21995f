import { Lru } from '../collections/lru.ts';
import type { Clock } from '../ports/clock.ts';
import { type Bucket, fullBucket, secondsToToken, take } from './bucket.ts';

export interface RateLimiter {
  /** @returns 0 if the call of `key` is admitted, else the seconds until one would be, rounded up */
  take(key: string): number;
}

export interface RateLimit {
  /** Sustained calls per minute and key. @default 5 */
  readonly perMinute?: number;
  /** Most calls at once. @default 10 */
  readonly burst?: number;
  /** Keys kept in memory; beyond that, keys not used lately start again with a full bucket. @default 10_000 */
  readonly maxKeys?: number;
}

/** A token bucket per key. */
export function createRateLimiter(
  clock: Pick<Clock, 'monotonic'>,
  { perMinute = 5, burst = 10, maxKeys = 10_000 }: RateLimit = {},
): RateLimiter {
  const limits = { rate: perMinute / 60, burst };
  const buckets = new Lru<Bucket>(maxKeys);

  return {
    take(key) {
      const now = clock.monotonic();
      let bucket = buckets.get(key);
      if (!bucket) {
        bucket = fullBucket(limits, now);
        buckets.set(key, bucket);
      }
      return take(bucket, limits, now) ? 0 : secondsToToken(bucket, limits, now);
    },
  };
}
