import type { Clock } from '../../core/ports/clock.ts';
import type { UsagePlan } from '../../core/tier/tiers.ts';
import { type Bucket, fullBucket, isFull, secondsToToken, take } from '../../core/usage/bucket.ts';
import { countCall, type DayCount, secondsToReset, utcDay } from '../../core/usage/quota.ts';

export type Verdict =
  | { readonly outcome: 'admitted' }
  /** The rate or the day's quota is exceeded. `retryAfter` is in whole seconds. */
  | { readonly outcome: 'throttled' | 'exhausted'; readonly retryAfter: number };

export interface MeterOptions {
  /** Its date is that of the quota. The buckets use its monotonic time. */
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
  /**
   * Above this number of buckets, full ones are removed. Others are kept, because a new bucket would start full. Keys
   * come from the registry only, so there are no more of them than tenants. @default 20_000
   */
  readonly maxBuckets?: number;
}

const ADMITTED: Verdict = { outcome: 'admitted' };
/** An eviction looks at every bucket, so there is at most one in this time. */
const EVICTION_INTERVAL_MS = 1_000;

interface MeteredBucket {
  readonly bucket: Bucket;
  plan: UsagePlan;
}

/** Meters requests by API key: a token bucket for the rate, a count for the day's quota. Kept in memory. */
export class Meter {
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>;
  readonly #maxBuckets: number;
  readonly #buckets = new Map<string, MeteredBucket>();
  readonly #counts = new Map<string, DayCount>();
  #changed = new Set<string>();
  #evictedAt = Number.NEGATIVE_INFINITY;

  constructor({ clock, maxBuckets = 20_000 }: MeterOptions) {
    this.#clock = clock;
    this.#maxBuckets = maxBuckets;
  }

  /** Number of buckets. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Meters one request. A throttled request does not count against the quota. */
  admit(apiKey: string, plan: UsagePlan): Verdict {
    const now = this.#clock.monotonic();
    const bucket = this.#bucketOf(apiKey, plan, now);
    if (!take(bucket, plan, now)) return { outcome: 'throttled', retryAfter: secondsToToken(bucket, plan, now) };
    const today = this.#clock.now();
    if (!countCall(this.#countOf(apiKey), plan, today))
      return { outcome: 'exhausted', retryAfter: secondsToReset(today) };
    this.#changed.add(apiKey);
    return ADMITTED;
  }

  /** Removes the bucket and the count of a key that is no longer used. */
  remove(apiKey: string): void {
    this.#buckets.delete(apiKey);
    this.#counts.delete(apiKey);
    this.#changed.delete(apiKey);
  }

  /** Sets the count of a key, as it was stored before a restart. */
  restore(apiKey: string, used: DayCount): void {
    this.#counts.set(apiKey, { ...used });
  }

  /** The counts that have changed since the last call. */
  takeChanged(): Map<string, Readonly<DayCount>> {
    const taken = new Map<string, DayCount>();
    for (const key of this.#changed) {
      const used = this.#counts.get(key);
      if (used) taken.set(key, { ...used });
    }
    this.#changed = new Set();
    return taken;
  }

  /** Makes the next `takeChanged` return this key again, because its count could not be stored. */
  markChanged(apiKey: string): void {
    this.#changed.add(apiKey);
  }

  #bucketOf(apiKey: string, plan: UsagePlan, now: number): Bucket {
    const known = this.#buckets.get(apiKey);
    if (known) {
      known.plan = plan;
      return known.bucket;
    }
    this.#evictFull(now);
    const bucket = fullBucket(plan, now);
    this.#buckets.set(apiKey, { bucket, plan });
    return bucket;
  }

  #evictFull(now: number): void {
    if (this.#buckets.size < this.#maxBuckets || now - this.#evictedAt < EVICTION_INTERVAL_MS) return;
    this.#evictedAt = now;
    for (const [key, { bucket, plan }] of this.#buckets) if (isFull(bucket, plan, now)) this.#buckets.delete(key);
  }

  #countOf(apiKey: string): DayCount {
    let used = this.#counts.get(apiKey);
    if (!used) {
      used = { day: utcDay(this.#clock.now()), count: 0 };
      this.#counts.set(apiKey, used);
    }
    return used;
  }
}
