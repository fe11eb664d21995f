import type { Readable } from 'node:stream';
import type { Exchange } from './exchange.ts';
import type { AnswerListener, Call, Fault, UpstreamRequest } from './upstream/call.ts';
import { writeRequest } from './upstream/request-writer.ts';
import type { Upstream } from './upstream/upstream.ts';

/** Why there is no answer of an upstream's. */
export type Failure = 'unavailable' | 'bad-gateway' | 'timeout' | 'too-large' | 'malformed';

/** Where a request goes. */
export interface Hop {
  readonly path: string;
  readonly headers: readonly string[];
  readonly body: Buffer | Readable | undefined;
  /** Of the body, where the client declared it. */
  readonly length: number | undefined;
  /** A task to send it to, another one than `tried` where there is one; undefined if there is none. */
  pick(tried: Upstream | undefined): Upstream | undefined;
  /** Answers in the upstream's stead. Called at most once, before anything of an answer was sent. */
  fail(failure: Failure): void;
}

const MAX_ATTEMPTS = 2;
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

const FAILURES: Record<Fault, Failure> = {
  unreachable: 'unavailable',
  'connect-timeout': 'timeout',
  broken: 'bad-gateway',
  'headers-timeout': 'timeout',
  'body-timeout': 'timeout',
  malformed: 'bad-gateway',
  // The gateway's own limit is the one way in which a body fails while its client is still there.
  body: 'too-large',
};

/** Sends the request to an upstream and streams the response back. */
export function forward(exchange: Exchange, hop: Hop): void {
  const { method = '' } = exchange.request;
  const request = writeRequest({ method, ...hop });
  if (!request) {
    hop.fail('malformed');
    return;
  }
  const forwarding = new Forwarding(exchange, hop, request);
  exchange.whenClosed(() => forwarding.cancel());
  forwarding.send();
}

class Forwarding implements AnswerListener {
  readonly #exchange: Exchange;
  readonly #hop: Hop;
  readonly #request: UpstreamRequest;
  #upstream: Upstream | undefined;
  #call: Call | undefined;
  #attempts = 0;
  #paused = false;

  constructor(exchange: Exchange, hop: Hop, request: UpstreamRequest) {
    this.#exchange = exchange;
    this.#hop = hop;
    this.#request = request;
  }

  send(): void {
    const upstream = this.#hop.pick(this.#upstream);
    if (!upstream) {
      this.#hop.fail('unavailable');
      return;
    }
    this.#upstream = upstream;
    this.#attempts += 1;
    this.#call = upstream.send(this.#request, this);
  }

  /** The client is gone; so is the request, unless it has ended anyway. */
  cancel(): void {
    this.#call?.abort();
  }

  onHead(status: number, headers: string[]): void {
    headers.push(...this.#exchange.ownHeaders());
    this.#exchange.response.writeHead(status, headers);
  }

  onData(piece: Buffer): void {
    const { response } = this.#exchange;
    this.#exchange.bytes += piece.length;
    // What was read before the pause still comes.
    if (response.write(piece) || this.#paused) return;
    this.#paused = true;
    this.#call?.pause();
    response.once('drain', this.#goOn);
  }

  readonly #goOn = (): void => {
    this.#paused = false;
    this.#call?.resume();
  };

  onEnd(): void {
    this.#exchange.end();
  }

  onFault(fault: Fault): void {
    const { response } = this.#exchange;
    if (response.destroyed) return;
    // Half an answer cannot be taken back; a broken connection says that it is half.
    if (response.headersSent) response.destroy();
    else if (this.#attempts < MAX_ATTEMPTS && this.#mayRepeat(fault)) this.send();
    else this.#hop.fail(FAILURES[fault]);
  }

  /** Whether sending it again cannot do twice what was asked once. */
  #mayRepeat(fault: Fault): boolean {
    if (fault === 'unreachable' || fault === 'connect-timeout') return true;
    return fault === 'broken' && this.#request.body === undefined && SAFE.has(this.#request.method);
  }
}
