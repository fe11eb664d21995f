import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Exchange } from './exchange.ts';
import { responseHeaders } from './headers.ts';
import type { Upstream } from './upstreams.ts';

/** Why there is no answer of an upstream's. */
export type Failure = 'unavailable' | 'bad-gateway' | 'timeout' | 'client-timeout' | 'too-large' | 'malformed';

/** Where a request goes. */
export interface Hop {
  readonly path: string;
  readonly headers: string[];
  readonly body: Buffer | Readable | undefined;
  /** A task to send it to, another one than `tried` where there is one; undefined if there is none. */
  pick(tried: Upstream | undefined): Upstream | undefined;
  /** Answers in the upstream's stead. Called at most once, before anything of an answer was sent. */
  fail(failure: Failure): void;
}

const MAX_ATTEMPTS = 2;
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);
/** The connection broke, as it does when a task ends or closes an idle connection at the wrong moment. */
const BROKEN = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

/** Not an error of anyone's; made once, as its stack says nothing. */
const CLIENT_LEFT = new Error('the client left');

/** Sends the request to an upstream and streams the response back, as undici tells it. */
export function forward(exchange: Exchange, hop: Hop): void {
  const forwarding = new Forwarding(exchange, hop);
  exchange.response.once('close', () => forwarding.cancel());
  forwarding.dispatch();
}

class Forwarding implements Dispatcher.DispatchHandler {
  readonly #exchange: Exchange;
  readonly #hop: Hop;
  #upstream: Upstream | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #attempts = 0;
  /** Dispatched, and neither ended nor failed. */
  #pending = false;

  constructor(exchange: Exchange, hop: Hop) {
    this.#exchange = exchange;
    this.#hop = hop;
  }

  dispatch(): void {
    const { path, headers, body } = this.#hop;
    const upstream = this.#hop.pick(this.#upstream);
    if (!upstream) {
      this.#hop.fail('unavailable');
      return;
    }
    this.#upstream = upstream;
    this.#controller = undefined;
    this.#attempts += 1;
    this.#pending = true;
    upstream.active += 1;
    const method = this.#exchange.request.method as Dispatcher.HttpMethod;
    upstream.pool.dispatch({ path, method, headers, body: body ?? null }, this);
  }

  /** The client is gone; so is the request, unless it has ended anyway. */
  cancel(): void {
    if (this.#pending) this.#controller?.abort(CLIENT_LEFT);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // It may have left while the request was queued, when there was nothing to abort yet. A request that is sent for
    // nobody would be paused by its first full buffer and hold its connection for ever.
    if (this.#exchange.response.destroyed) controller.abort(CLIENT_LEFT);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return;
    if (this.#exchange.response.destroyed) {
      controller.abort(CLIENT_LEFT);
      return;
    }
    const head = responseHeaders(headers);
    head.push(...this.#exchange.ownHeaders());
    this.#exchange.response.writeHead(status, head);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const { response } = this.#exchange;
    if (response.destroyed) {
      controller.abort(CLIENT_LEFT);
      return;
    }
    this.#exchange.bytes += chunk.length;
    if (!response.write(chunk)) {
      controller.pause();
      response.once('drain', () => controller.resume());
    }
  }

  onResponseEnd(): void {
    this.#settle();
    this.#exchange.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    const started = this.#controller !== undefined;
    this.#settle();
    const { response } = this.#exchange;
    if (response.destroyed) return;
    // Half an answer cannot be taken back; a broken connection says that it is half.
    if (response.headersSent) response.destroy();
    else if (this.#attempts < MAX_ATTEMPTS && this.#mayRepeat(error, started)) this.dispatch();
    else this.#hop.fail(this.#failureOf(error, started));
  }

  #settle(): void {
    if (!this.#pending) return;
    this.#pending = false;
    if (this.#upstream) this.#upstream.active -= 1;
  }

  /** Whether sending it again cannot do twice what was asked once. */
  #mayRepeat(error: Error, started: boolean): boolean {
    const code = codeOf(error);
    if (!started) return !code.startsWith('UND_ERR_INVALID') && code !== 'UND_ERR_NOT_SUPPORTED';
    return BROKEN.has(code) && this.#hop.body === undefined && SAFE.has(this.#exchange.request.method ?? '');
  }

  #failureOf(error: Error, started: boolean): Failure {
    const code = codeOf(error);
    if (code === 'TOO_LARGE') return 'too-large';
    if (code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED') return 'malformed';
    if (code === 'UND_ERR_HEADERS_TIMEOUT') return this.#exchange.request.complete ? 'timeout' : 'client-timeout';
    if (code === 'UND_ERR_CONNECT_TIMEOUT') return 'timeout';
    return started ? 'bad-gateway' : 'unavailable';
  }
}

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : '';
}
