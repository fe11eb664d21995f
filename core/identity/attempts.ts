import { Lru } from '../collections/lru.ts';
import type { Clock } from '../ports/clock.ts';

/** Counts failed attempts per key within a window, in bounded memory. */
export interface AttemptLimiter {
  /**
   * Takes one attempt from every key. Call it before the attempt, so that parallel attempts cannot exceed the limit.
   * @returns false, and takes nothing, if a key has no attempts left
   */
  take(keys: readonly AttemptKey[]): boolean;
  /** Returns the attempt to every key, because it succeeded. */
  giveBack(keys: readonly AttemptKey[]): void;
}

export interface AttemptKey {
  readonly key: string;
  /** Attempts per window. */
  readonly max: number;
}

interface AttemptWindow {
  count: number;
  readonly endsAt: number;
}

/**
 * @param options.windowMs how long a failed attempt counts
 * @param options.capacity keys in memory; the least recently used ones are removed. @default 20_000
 */
export function createAttemptLimiter(options: {
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly windowMs: number;
  readonly capacity?: number;
}): AttemptLimiter {
  const { clock, windowMs, capacity = 20_000 } = options;
  const windows = new Lru<AttemptWindow>(capacity);

  function windowOf(key: string): AttemptWindow {
    const known = windows.get(key);
    if (known && known.endsAt > clock.monotonic()) return known;
    const fresh = { count: 0, endsAt: clock.monotonic() + windowMs };
    windows.set(key, fresh);
    return fresh;
  }

  return {
    take(keys) {
      const open = keys.map(({ key, max }) => ({ window: windowOf(key), max }));
      if (open.some(({ window, max }) => window.count >= max)) return false;
      for (const { window } of open) window.count += 1;
      return true;
    },
    giveBack(keys) {
      for (const { key } of keys) {
        const window = windows.get(key);
        if (window && window.count > 0) window.count -= 1;
      }
    },
  };
}
