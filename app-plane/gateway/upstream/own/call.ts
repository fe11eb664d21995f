import type { UpstreamRequest } from '../request.ts';
import type { ResponseListener, UpstreamCall, UpstreamFailure } from '../upstream.ts';

/** Holds a call: first the queue of waiting calls, then a connection. */
export interface Carrier {
  pause(): void;
  resume(): void;
  /** Stops the call without notifying its listener. */
  drop(call: OwnCall): void;
}

/** A request in progress, which ends exactly once. */
export class OwnCall implements UpstreamCall {
  readonly request: UpstreamRequest;
  readonly listener: ResponseListener;
  carrier: Carrier | undefined;
  #ended = false;
  readonly #onEnded: () => void;

  /** @param onEnded called once, however the call ends */
  constructor(request: UpstreamRequest, listener: ResponseListener, onEnded: () => void) {
    this.request = request;
    this.listener = listener;
    this.#onEnded = onEnded;
  }

  abort(): void {
    if (this.#end()) this.carrier?.drop(this);
  }

  pause(): void {
    if (!this.#ended) this.carrier?.pause();
  }

  resume(): void {
    if (!this.#ended) this.carrier?.resume();
  }

  complete(): void {
    if (this.#end()) this.listener.onEnd();
  }

  fail(failure: UpstreamFailure, cause?: unknown): void {
    if (this.#end()) this.listener.onFailure(failure, cause);
  }

  /** @returns false if the call had ended before */
  #end(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.#onEnded();
    return true;
  }
}
