import type { Clock } from '../../core/ports/clock.ts';

/** A clock that a test advances. */
export class ManualClock implements Clock {
  #now: number;
  #setBy = 0;
  readonly #timers = new Set<{ readonly at: number; readonly run: () => void }>();

  constructor(now = Date.parse('2026-01-01T00:00:00Z')) {
    this.#now = now;
  }

  now(): number {
    return this.#now + this.#setBy;
  }

  monotonic(): number {
    return this.#now;
  }

  /** Sets the date forward or back, as an operator or a time server does. No timer and no monotonic time changes. */
  setDate(byMs: number): void {
    this.#setBy += byMs;
  }

  after(ms: number, run: () => void): { cancel(): void } {
    const timer = { at: this.#now + ms, run };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  /** Advances the time and runs the timers that come due, in order, including those that a timer starts meanwhile. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (let next = this.#next(end); next; next = this.#next(end)) this.#fire(next);
    this.#now = end;
  }

  /** Timers that have neither run nor been cancelled. */
  get waiting(): number {
    return this.#timers.size;
  }

  /** Advances to the next timer, if there is one, and runs it. */
  skip(): void {
    const next = this.#next(Number.POSITIVE_INFINITY);
    if (next) this.#fire(next);
  }

  #next(end: number) {
    return [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
  }

  #fire(timer: { readonly at: number; readonly run: () => void }): void {
    this.#timers.delete(timer);
    this.#now = Math.max(this.#now, timer.at);
    timer.run();
  }
}
