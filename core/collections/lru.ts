/**
 * A bounded map. When it is full, it removes an entry that was not used lately: never one of the capacity / 2 keys used
 * most recently. Which of the others it removes is approximate, so that a hit costs no more than a Map lookup.
 */
export class Lru<V> {
  readonly #capacity: number;
  readonly #half: number;
  /** A Map iterates in order of insertion, so the first key is the next one to be removed. */
  readonly #entries = new Map<string, { readonly value: V; readonly placed: number }>();
  /** How many times an entry was placed at the end. */
  #placed = 0;

  /** @param capacity the most entries it keeps; at least 1 */
  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#half = capacity / 2;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The value, or undefined. Counts as a use. */
  get(key: string): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    // Moving an entry to the end costs as much as a lookup, so move it only once it may be in the older half.
    if (this.#placed - entry.placed >= this.#half) this.#place(key, entry.value);
    return entry.value;
  }

  set(key: string, value: V): void {
    this.#place(key, value);
    if (this.#entries.size > this.#capacity) this.#entries.delete(this.#entries.keys().next().value as string);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }

  #place(key: string, value: V): void {
    this.#entries.delete(key);
    this.#placed += 1;
    this.#entries.set(key, { value, placed: this.#placed });
  }
}
