import type { ServerResponse } from 'node:http';
import type { ClientBudget, Place } from '../../core/collections/client-budget.ts';

/**
 * Counts what the gateway holds of a response because its client reads slower than it arrives. The gateway reads responses
 * of the platform to their end at once, so that a client that does not read occupies no connection to the platform. If its
 * client holds too much, the oldest of its responses is broken off.
 */
export class UnreadResponse {
  readonly #response: ServerResponse;
  readonly #budget: ClientBudget;
  readonly #client: string;
  #place: Place | undefined;

  constructor(response: ServerResponse, budget: ClientBudget, client: string) {
    this.#response = response;
    this.#budget = budget;
    this.#client = client;
  }

  /** Adds a piece that was written but not sent. */
  add(bytes: number): void {
    if (!this.#place) {
      this.#place = this.#budget.enter(this.#client, () => this.#response.destroy());
      this.#response.once('drain', this.#leave).once('close', this.#leave);
    }
    this.#place.grow(bytes);
  }

  readonly #leave = (): void => {
    this.#place?.leave();
    this.#place = undefined;
    this.#response.off('drain', this.#leave).off('close', this.#leave);
  };
}
