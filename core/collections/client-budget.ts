/** How much may be held: places, and the bytes in them. */
export interface Allowance {
  readonly places: number;
  readonly bytes: number;
}

/** One thing that a client makes the platform hold, such as a request body that has not arrived completely. */
export interface Place {
  /** The thing has become larger by this many bytes. */
  grow(bytes: number): void;
  /** The thing is held no more. No effect after the first call, or after the thing was ended. */
  leave(): void;
}

interface HeldPlace {
  bytes: number;
  readonly end: () => void;
}

interface Holder {
  /** Oldest first. */
  readonly places: Set<HeldPlace>;
  bytes: number;
}

/**
 * Bounds what clients make the platform hold, for each client and for all together. A place beyond the bound ends an older
 * one: the oldest of the same client, or of the client that holds most if all clients together hold too much. So a client
 * that sends and reads without pauses is served even if others with its address do not. A client without a place uses no
 * memory.
 */
export class ClientBudget {
  readonly #perClient: Allowance;
  readonly #total: Allowance;
  readonly #holders = new Map<string, Holder>();
  #places = 0;
  #bytes = 0;

  constructor(perClient: Allowance, total: Allowance) {
    this.#perClient = perClient;
    this.#total = total;
  }

  /** Number of clients that hold something. */
  get clients(): number {
    return this.#holders.size;
  }

  /** What all clients hold. */
  get held(): Allowance {
    return { places: this.#places, bytes: this.#bytes };
  }

  /**
   * Gives the client a place.
   * @param end called at most once, if the place must make room for others; never before this returns
   */
  enter(client: string, end: () => void): Place {
    const holder = this.#holders.get(client) ?? { places: new Set(), bytes: 0 };
    const place: HeldPlace = { bytes: 0, end };
    // Room is made before the place exists, so that it cannot be the one that ends.
    while (holder.places.size >= this.#perClient.places) this.#endOldest(client, holder);
    if (this.#places >= this.#total.places) this.#endLargest((one) => one.places.size);
    this.#holders.set(client, holder);
    holder.places.add(place);
    this.#places += 1;
    return {
      grow: (bytes) => this.#grow(client, holder, place, bytes),
      leave: () => this.#remove(client, holder, place),
    };
  }

  #grow(client: string, holder: Holder, place: HeldPlace, bytes: number): void {
    if (!holder.places.has(place)) return;
    place.bytes += bytes;
    holder.bytes += bytes;
    this.#bytes += bytes;
    while (holder.bytes > this.#perClient.bytes) this.#endOldest(client, holder);
    while (this.#bytes > this.#total.bytes) this.#endLargest((one) => one.bytes);
  }

  /** Ends the oldest place of the client with the highest `size`. */
  #endLargest(size: (holder: Holder) => number): void {
    let largest: [string, Holder] | undefined;
    for (const entry of this.#holders) if (!largest || size(entry[1]) > size(largest[1])) largest = entry;
    if (largest) this.#endOldest(...largest);
  }

  #endOldest(client: string, holder: Holder): void {
    const [oldest] = holder.places;
    if (!oldest) return;
    this.#remove(client, holder, oldest);
    oldest.end();
  }

  #remove(client: string, holder: Holder, place: HeldPlace): void {
    if (!holder.places.delete(place)) return;
    holder.bytes -= place.bytes;
    this.#places -= 1;
    this.#bytes -= place.bytes;
    if (holder.places.size === 0) this.#holders.delete(client);
  }
}
