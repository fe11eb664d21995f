/**
 * A bounded map. When it is full, it removes an entry that was not used lately: never one of the capacity / 2 keys used
 * most recently. Which of the others it removes is approximate, so that a hit costs no more than a Map lookup.
 */
export interface Lru<V> {
  /** The value, or undefined. Counts as a use. */
  get(key: string): V | undefined;
  set(key: string, value: V): void;
  delete(key: string): void;
  clear(): void;
  readonly size: number;
}

/** @param capacity the most entries it keeps; at least 1 */
export function createLru<V>(capacity: number): Lru<V> {
  // A Map iterates in order of insertion, so the first key is the next one to be removed.
  const entries = new Map<string, { readonly value: V; readonly placed: number }>();
  /** How many times an entry was placed at the end. */
  let placed = 0;

  function place(key: string, value: V): void {
    entries.delete(key);
    entries.set(key, { value, placed: ++placed });
  }

  return {
    get(key) {
      const entry = entries.get(key);
      // Moving an entry to the end costs as much as a lookup, so move it only once it may be in the older half.
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
