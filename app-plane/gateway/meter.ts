import type { Clock } from '../../core/ports/clock.ts';
import type { UsagePlan } from '../../core/tier/tiers.ts';
import { type Bucket, fullBucket, isFull, secondsToToken, take } from '../../core/usage/bucket.ts';
import { countCall, type DayCount, secondsToReset, utcDay } from '../../core/usage/quota.ts';

export type Verdict =
  | { readonly outcome: 'admitted' }
  /** Rate or day's quota exceeded; `retryAfter` in whole seconds. */
  | { readonly outcome: 'throttled' | 'exhausted'; readonly retryAfter: number };

export interface Meter {
  /** Meters one call by its tenant's API key. A throttled call does not consume quota. */
  admit(apiKey: string, plan: UsagePlan): Verdict;
  /** Drops what is known of a key that is no more. */
  forget(apiKey: string): void;
  /** Puts back counts kept from before a restart. */
  restore(apiKey: string, used: DayCount): void;
  /** Counts changed since the last call of this. */
  takeChanged(): Map<string, Readonly<DayCount>>;
  /** Has `takeChanged` give the key's count again, as when it could not be written. */
  markChanged(apiKey: string): void;
  /** Buckets held. */
  readonly size: number;
}

export interface MeterOptions {
  /** For the quota's day. */
  readonly clock: Pick<Clock, 'now'>;
  /** Milliseconds of a monotonic clock, for the buckets. */
  readonly monotonic: () => number;
  /**
   * Buckets above which full ones are forgotten; others never are, for that would give tokens away. Keys come from the
   * registry alone, so their number is that of the tenants. @default 20_000
   */
  readonly maxBuckets?: number;
}

const ADMITTED: Verdict = { outcome: 'admitted' };
/** Between two rounds of eviction, which look at every bucket. */
const EVICTION_MS = 1_000;

export function createMeter({ clock, monotonic, maxBuckets = 20_000 }: MeterOptions): Meter {
  const buckets = new Map<string, { readonly bucket: Bucket; plan: UsagePlan }>();
  const counts = new Map<string, DayCount>();
  let changed = new Set<string>();
  let evictedAt = Number.NEGATIVE_INFINITY;

  function bucketOf(apiKey: string, plan: UsagePlan, now: number): Bucket {
    const known = buckets.get(apiKey);
    if (known) {
      known.plan = plan;
      return known.bucket;
    }
    if (buckets.size >= maxBuckets && now - evictedAt >= EVICTION_MS) {
      evictedAt = now;
      for (const [key, idle] of buckets) if (isFull(idle.bucket, idle.plan, now)) buckets.delete(key);
    }
    const bucket = fullBucket(plan, now);
    buckets.set(apiKey, { bucket, plan });
    return bucket;
  }

  function countOf(apiKey: string): DayCount {
    let used = counts.get(apiKey);
    if (!used) {
      used = { day: utcDay(clock.now()), count: 0 };
      counts.set(apiKey, used);
    }
    return used;
  }

  return {
    admit(apiKey, plan) {
      const now = monotonic();
      const bucket = bucketOf(apiKey, plan, now);
      if (!take(bucket, plan, now)) return { outcome: 'throttled', retryAfter: secondsToToken(bucket, plan, now) };
      const today = clock.now();
      if (!countCall(countOf(apiKey), plan, today)) return { outcome: 'exhausted', retryAfter: secondsToReset(today) };
      changed.add(apiKey);
      return ADMITTED;
    },
    forget(apiKey) {
      buckets.delete(apiKey);
      counts.delete(apiKey);
      changed.delete(apiKey);
    },
    restore: (apiKey, used) => void counts.set(apiKey, { ...used }),
    takeChanged() {
      const taken = new Map<string, DayCount>();
      for (const key of changed) {
        const used = counts.get(key);
        if (used) taken.set(key, { ...used });
      }
      changed = new Set();
      return taken;
    },
    markChanged: (apiKey) => void changed.add(apiKey),
    get size() {
      return buckets.size;
    },
  };
}
