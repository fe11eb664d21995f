import type { Clock } from '../../core/ports/clock.ts';
import { repeat } from '../../core/time/repeat.ts';

const INTERVAL_MS = 500;
/** Pings in a row without a response after which a process counts as hung: 3 seconds. */
const MISSED_WHEN_HUNG = 6;

/**
 * Asks a child process for a sign of life every half second, and calls `hung` once if three seconds pass without one. Counts
 * its own rounds instead of time: if this process or the whole machine was stopped, the child is not blamed for it.
 */
export class Heartbeat {
  readonly #clock: Clock;
  readonly #ping: () => void;
  readonly #hung: () => void;
  #missed = 0;
  #rounds: { close(): Promise<void> } | undefined;

  constructor(options: { readonly clock: Clock; readonly ping: () => void; readonly hung: () => void }) {
    this.#clock = options.clock;
    this.#ping = options.ping;
    this.#hung = options.hung;
  }

  /** Call it when the process can respond. */
  start(): void {
    this.#rounds ??= repeat(this.#clock, INTERVAL_MS, () => this.#round());
  }

  /** The process has responded. */
  beat(): void {
    this.#missed = 0;
  }

  stop(): void {
    void this.#rounds?.close();
  }

  #round(): void {
    if (this.#missed === MISSED_WHEN_HUNG) {
      this.stop();
      this.#hung();
      return;
    }
    this.#missed += 1;
    this.#ping();
  }
}
