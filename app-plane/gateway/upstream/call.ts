import type { Readable } from 'node:stream';
import type { AnswerSink } from './response-parser.ts';

/** A request as it goes to a task; `writeRequest` makes it. */
export interface UpstreamRequest {
  readonly method: string;
  /** With the empty line at its end. */
  readonly head: string;
  /** A stream is read once, and destroyed if it was begun and cannot be sent to its end. */
  readonly body: Buffer | Readable | undefined;
  /** Of a body, in bytes; undefined where it is not known, and a stream is sent in chunks. */
  readonly length: number | undefined;
}

/**
 * Why there is no answer, or no more of it.
 * - `unreachable`, `connect-timeout`: there was no connection; nothing was sent
 * - `broken`: the connection ended, as it does when a task dies or lets go of an idle connection at the wrong moment
 * - `headers-timeout`, `body-timeout`: the task said nothing for too long
 * - `malformed`: what it said is no answer
 * - `body`: the request's own body failed, with `cause`
 */
export type Fault =
  | 'unreachable'
  | 'connect-timeout'
  | 'broken'
  | 'headers-timeout'
  | 'body-timeout'
  | 'malformed'
  | 'body';

/** Is told what becomes of a request: a head, data, then either its end or a fault. Nothing after an abort. */
export interface AnswerListener extends AnswerSink {
  onEnd(): void;
  onFault(fault: Fault, cause?: unknown): void;
}

/** What has a call in its hands: a queue at first, a connection then. */
export interface Carrier {
  pause(): void;
  resume(): void;
  /** Forgets the call, and tells it nothing. */
  drop(call: Call): void;
}

/** One request under way. */
export class Call {
  readonly request: UpstreamRequest;
  readonly listener: AnswerListener;
  carrier: Carrier | undefined;
  #over = false;
  readonly #settled: () => void;

  /** @param settled called once, when it has ended in whatever way */
  constructor(request: UpstreamRequest, listener: AnswerListener, settled: () => void) {
    this.request = request;
    this.listener = listener;
    this.#settled = settled;
  }

  /** Nobody wants the answer any more. No effect once it is over. */
  abort(): void {
    if (this.#settle()) this.carrier?.drop(this);
  }

  /** No more data for now: what has come is more than the client takes. */
  pause(): void {
    if (!this.#over) this.carrier?.pause();
  }

  resume(): void {
    if (!this.#over) this.carrier?.resume();
  }

  complete(): void {
    if (this.#settle()) this.listener.onEnd();
  }

  fail(fault: Fault, cause?: unknown): void {
    if (this.#settle()) this.listener.onFault(fault, cause);
  }

  #settle(): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#settled();
    return true;
  }
}
