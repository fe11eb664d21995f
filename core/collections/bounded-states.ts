/** Making room looks at every state, so it happens at most once in this time, in milliseconds. */
const SWEEP_INTERVAL_MS = 60_000;

export interface BoundedStatesOptions<S> {
  /** Keys with a state of their own. 0: every key shares a state. */
  readonly capacity: number;
  /** States that the other keys share. */
  readonly shared: number;
  create(): S;
  /** Whether the state says no more than a new one, so that it may be removed. */
  isIdle(state: S, nowMs: number): boolean;
}

/**
 * One state per key, in bounded memory, for limits. Unlike a cache it never forgets a state that still matters: once it is
 * full, further keys share states by hash. They are then limited more strictly, never less, and no number of other keys
 * resets the limit of one key.
 */
export class BoundedStates<S> {
  readonly #options: BoundedStatesOptions<S>;
  readonly #own = new Map<string, S>();
  readonly #shared = new Map<number, S>();
  #sweptAt = Number.NEGATIVE_INFINITY;

  constructor(options: BoundedStatesOptions<S>) {
    this.#options = options;
  }

  /** Number of states; at most `capacity + shared`. */
  get size(): number {
    return this.#own.size + this.#shared.size;
  }

  /** The state of the key. @param nowMs milliseconds of a monotonic clock */
  of(key: string, nowMs: number): S {
    const known = this.#own.get(key);
    if (known !== undefined) return known;
    const index = hashOf(key) % this.#options.shared;
    const shared = this.#shared.get(index);
    // A key that began with a shared state keeps it while it matters, also once there is room.
    if (shared !== undefined && !this.#options.isIdle(shared, nowMs)) return shared;
    if (!this.#hasRoom(nowMs)) return shared ?? this.#newShared(index);
    const state = this.#options.create();
    this.#own.set(key, state);
    return state;
  }

  #hasRoom(nowMs: number): boolean {
    const { capacity, isIdle } = this.#options;
    if (this.#own.size < capacity) return true;
    if (capacity === 0 || nowMs - this.#sweptAt < SWEEP_INTERVAL_MS) return false;
    this.#sweptAt = nowMs;
    for (const [key, state] of this.#own) if (isIdle(state, nowMs)) this.#own.delete(key);
    return this.#own.size < capacity;
  }

  #newShared(index: number): S {
    const state = this.#options.create();
    this.#shared.set(index, state);
    return state;
  }
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}
