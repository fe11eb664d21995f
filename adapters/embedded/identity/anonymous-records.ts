import type { AdapterPayload } from 'oidc-provider';
import { ClientBudget, type Place } from '../../../core/collections/client-budget.ts';
import type { Clock } from '../../../core/ports/clock.ts';

/** Of one client: an office behind one address may sign in at the same time. */
const PER_CLIENT = { places: 500, bytes: 4 * 2 ** 20 };
const TOTAL = { places: 10_000, bytes: 32 * 2 ** 20 };
/** The longest lifetime, in seconds. */
const MAX_LIFETIME = 3_600;

interface AnonymousRecord {
  /** JSON, because it takes less memory than the object and nobody can change it. */
  readonly payload: string;
  /** In milliseconds of the monotonic clock. */
  readonly expiresAt: number;
  readonly place: Place;
  readonly alias: string | undefined;
}

/**
 * What the realms keep about people who have not signed in: unfinished sign-ins, sessions without an account, device codes
 * that nobody has confirmed. Each request of a stranger makes such records, so they stay in memory and in bounds, and the
 * oldest of a client give way to its newer ones. A restart of the platform ends unfinished sign-ins; the page says so.
 */
export class AnonymousRecords {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #budget: ClientBudget;
  readonly #records = new Map<string, AnonymousRecord>();
  /** Keys of records by a second name, such as a session's uid. */
  readonly #aliases = new Map<string, string>();

  constructor(clock: Pick<Clock, 'monotonic'>, budget = new ClientBudget(PER_CLIENT, TOTAL)) {
    this.#clock = clock;
    this.#budget = budget;
  }

  get size(): number {
    return this.#records.size;
  }

  /**
   * Keeps a record, which replaces an earlier one with the same key.
   * @param expiresIn in seconds; at most an hour counts
   * @param client whose budget it uses
   * @param alias a second name by which `getByAlias` finds it
   */
  set(key: string, payload: AdapterPayload, { expiresIn, client, alias }: RecordOptions): void {
    this.delete(key);
    this.#deleteExpired();
    const text = JSON.stringify(payload);
    const place = this.#budget.enter(client, () => this.#forget(key));
    const expiresAt = this.#clock.monotonic() + Math.min(expiresIn, MAX_LIFETIME) * 1_000;
    this.#records.set(key, { payload: text, expiresAt, place, alias });
    if (alias !== undefined) this.#aliases.set(alias, key);
    place.grow(text.length);
  }

  get(key: string): AdapterPayload | undefined {
    const record = this.#records.get(key);
    if (!record || record.expiresAt <= this.#clock.monotonic()) return undefined;
    return JSON.parse(record.payload) as AdapterPayload;
  }

  getByAlias(alias: string): AdapterPayload | undefined {
    const key = this.#aliases.get(alias);
    return key === undefined ? undefined : this.get(key);
  }

  /** @returns whether there was a record */
  delete(key: string): boolean {
    const record = this.#records.get(key);
    record?.place.leave();
    this.#forget(key);
    return record !== undefined;
  }

  #forget(key: string): void {
    const alias = this.#records.get(key)?.alias;
    if (alias !== undefined && this.#aliases.get(alias) === key) this.#aliases.delete(alias);
    this.#records.delete(key);
  }

  /** Records are in order of their age, and nearly in order of their expiry. */
  #deleteExpired(): void {
    const now = this.#clock.monotonic();
    for (const [key, { expiresAt }] of this.#records) {
      if (expiresAt > now) return;
      this.delete(key);
    }
  }
}

export interface RecordOptions {
  readonly expiresIn: number;
  readonly client: string;
  readonly alias?: string | undefined;
}
