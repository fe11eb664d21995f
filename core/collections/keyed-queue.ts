/** Runs tasks one after the other per key; tasks of different keys run concurrently. */
export type KeyedQueue = <T>(key: string, run: () => Promise<T>) => Promise<T>;

/**
 * Serialises by key, within this process. A task starts when the one before it has settled, whether that one succeeded
 * or failed. Keeps no memory of a key without tasks.
 */
export function createKeyedQueue(): KeyedQueue {
  const last = new Map<string, Promise<unknown>>();
  return async (key, run) => {
    const before = last.get(key);
    const mine = before ? before.then(run, run) : run();
    last.set(key, mine);
    try {
      return await mine;
    } finally {
      if (last.get(key) === mine) last.delete(key);
    }
  };
}
