import type { Clock } from '../../../core/ports/clock.ts';
import { type Bucket, fullBucket, secondsToToken, take } from '../../../core/usage/bucket.ts';

export interface RateLimiter {
  /** @returns 0 where the call of `key` is admitted, else the whole seconds until one would be */
  take(key: string): number;
}

export interface RateLimit {
  /** Sustained calls per minute and key. @default 5 */
  readonly perMinute?: number;
  /** Most calls at once. @default 10 */
  readonly burst?: number;
  /** Keys remembered; beyond it the longest unused is forgotten. @default 10_000 */
  readonly maxKeys?: number;
}

/** A token bucket per key. */
export function createRateLimiter(
  clock: Clock,
  { perMinute = 5, burst = 10, maxKeys = 10_000 }: RateLimit = {},
): RateLimiter {
  const limits = { rate: perMinute / 60, burst };
  const buckets = new Map<string, Bucket>();

  return {
    take(key) {
      const now = clock.now();
      const bucket = buckets.get(key) ?? fullBucket(limits, now);
      // Set anew, so that the map stays in order of use.
      buckets.delete(key);
      buckets.set(key, bucket);
      const oldest = buckets.keys().next();
      if (buckets.size > maxKeys && !oldest.done) buckets.delete(oldest.value);
      return take(bucket, limits, now) ? 0 : secondsToToken(bucket, limits, now);
    },
  };
}
