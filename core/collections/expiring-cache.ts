import { Lru } from './lru.ts';

export interface ExpiringCacheOptions {
  /** Values are used for this long, in milliseconds. */
  readonly ttlMs: number;
  /** The most values in the cache. */
  readonly maxEntries: number;
}

/** A bounded cache whose values expire. Times are those of one monotonic clock, in milliseconds. */
export class ExpiringCache<V> {
  readonly #ttlMs: number;
  readonly #entries: Lru<{ readonly value: V; readonly expiresAt: number }>;

  constructor({ ttlMs, maxEntries }: ExpiringCacheOptions) {
    this.#ttlMs = ttlMs;
    this.#entries = new Lru(maxEntries);
  }

  /** The value, or undefined if it is unknown or has expired. */
  get(key: string, now: number): V | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && now < entry.expiresAt ? entry.value : undefined;
  }

  set(key: string, value: V, now: number): void {
    this.#entries.set(key, { value, expiresAt: now + this.#ttlMs });
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }
}
