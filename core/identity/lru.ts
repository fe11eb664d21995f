/** A bounded map that forgets what was used least recently, to within half its capacity. */
export interface Lru<V> {
  /** The value, which counts as used now. */
  get(key: string): V | undefined;
  set(key: string, value: V): void;
  delete(key: string): void;
  clear(): void;
  readonly size: number;
}

/** @param capacity most entries kept; at least 1 */
export function createLru<V>(capacity: number): Lru<V> {
  // A Map iterates in order of insertion, so the first key is the next one to be forgotten.
  const entries = new Map<string, { readonly value: V; readonly placed: number }>();
  /** Entries placed at the end so far. */
  let placed = 0;

  function place(key: string, value: V): void {
    entries.delete(key);
    entries.set(key, { value, placed: ++placed });
  }

  return {
    get(key) {
      const entry = entries.get(key);
      // Placing it anew at every use would cost as much as looking it up; it is far from the front as yet.
      if (entry && placed - entry.placed >= capacity / 2) place(key, entry.value);
      return entry?.value;
    },
    set(key, value) {
      place(key, value);
      if (entries.size > capacity) entries.delete(entries.keys().next().value as string);
    },
    delete: (key) => void entries.delete(key),
    clear: () => entries.clear(),
    get size() {
      return entries.size;
    },
  };
}
