import { Lru } from '../collections/lru.ts';
import type { Clock } from '../ports/clock.ts';

/** Counts failed tries per key within a window, in bounded memory. */
export interface AttemptLimiter {
  /**
   * Takes one of the tries of every key at once, before the try is made, so that parallel tries cannot slip through.
   * @returns false if any key has none left; nothing is taken then
   */
  take(keys: readonly AttemptKey[]): boolean;
  /** Gives the try back: it was a good one. */
  giveBack(keys: readonly AttemptKey[]): void;
}

export interface AttemptKey {
  readonly key: string;
  /** Tries per window. */
  readonly max: number;
}

interface Window {
  count: number;
  readonly endsAt: number;
}

/**
 * @param options.windowMs how long failed tries count
 * @param options.capacity keys remembered; the ones used least recently are forgotten. @default 20_000
 */
export function createAttemptLimiter(options: {
  readonly clock: Pick<Clock, 'now'>;
  readonly windowMs: number;
  readonly capacity?: number;
}): AttemptLimiter {
  const { clock, windowMs, capacity = 20_000 } = options;
  const windows = new Lru<Window>(capacity);

  function windowOf(key: string): Window {
    const known = windows.get(key);
    if (known && known.endsAt > clock.now()) return known;
    const fresh = { count: 0, endsAt: clock.now() + windowMs };
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
