import type { Readable } from 'node:stream';
import type { Log } from '../../core/ports/log.ts';
import type { Exchange } from './exchange.ts';
import type { UnreadResponse } from './unread-response.ts';
import { MalformedResponse } from './upstream/malformed-response.ts';
import { createRequest, type UpstreamRequest } from './upstream/request.ts';
import type { ResponseListener, Upstream, UpstreamCall, UpstreamFailure } from './upstream/upstream.ts';

/** Why a request could not be forwarded, or has no response. */
export type ForwardFailure = 'unavailable' | 'bad-gateway' | 'timeout' | 'too-large' | 'malformed-request';

/** Where a request goes, and what it carries. */
export interface Hop {
  readonly path: string;
  readonly headers: readonly string[];
  readonly body: Buffer | Readable | undefined;
  /** Length of the body in bytes, where the client declared it. */
  readonly length: number | undefined;
  /** Chooses the response headers that reach the client. @default - all */
  responseHeaders?(headers: string[]): string[];
  /** Counts what the client has not read. With it, the response is read to its end at once. @default - no faster than the client */
  readonly unread?: UnreadResponse;
  /** Chooses a task, other than `tried` if possible. Undefined if there is none. */
  pick(tried: Upstream | undefined): Upstream | undefined;
  /** Responds in place of the task. Called at most once, and only before any part of a response was sent. */
  fail(failure: ForwardFailure): void;
}

const MAX_ATTEMPTS = 2;
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

const FAILURES: Record<UpstreamFailure, ForwardFailure> = {
  unreachable: 'unavailable',
  'connect-timeout': 'timeout',
  disconnected: 'bad-gateway',
  'headers-timeout': 'timeout',
  'body-timeout': 'timeout',
  'malformed-response': 'bad-gateway',
  // While the client is connected, a body fails only by exceeding the gateway's limit.
  'request-body': 'too-large',
};

/** Sends a request to a task and streams the response to the client. */
export function forward(exchange: Exchange, hop: Hop, log: Log): void {
  const { method = '' } = exchange.request;
  const request = createRequest({ method, ...hop });
  if (!request) {
    hop.fail('malformed-request');
    return;
  }
  const forwarding = new Forwarding(exchange, hop, request, log);
  exchange.onClosed(() => forwarding.cancel());
  forwarding.send();
}

class Forwarding implements ResponseListener {
  readonly #exchange: Exchange;
  readonly #hop: Hop;
  readonly #request: UpstreamRequest;
  readonly #log: Log;
  #upstream: Upstream | undefined;
  #call: UpstreamCall | undefined;
  #attempts = 0;
  #paused = false;
  /** The last piece of the body, until the end of the response is confirmed: one call of Node writes and ends it. */
  #last: Buffer | undefined;

  constructor(exchange: Exchange, hop: Hop, request: UpstreamRequest, log: Log) {
    this.#exchange = exchange;
    this.#hop = hop;
    this.#request = request;
    this.#log = log;
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

  /** The exchange is over. Aborts the request to the task if it is still in progress. */
  cancel(): void {
    this.#call?.abort();
  }

  onHead(status: number, headers: string[]): void {
    const passed = this.#hop.responseHeaders?.(headers) ?? headers;
    this.#exchange.addGatewayHeaders(passed);
    this.#exchange.response.writeHead(status, passed);
  }

  onData(piece: Buffer, isLast = false): void {
    const { response } = this.#exchange;
    this.#exchange.bytes += piece.length;
    if (isLast && !this.#hop.unread) {
      this.#last = piece;
      return;
    }
    // Data that was read before the pause still arrives.
    if (response.write(piece) || this.#paused) return;
    if (this.#hop.unread) {
      this.#hop.unread.add(piece.length);
      return;
    }
    this.#paused = true;
    this.#call?.pause();
    response.once('drain', this.#resume);
  }

  readonly #resume = (): void => {
    this.#paused = false;
    this.#call?.resume();
  };

  onEnd(): void {
    this.#exchange.end(this.#last);
  }

  onFailure(failure: UpstreamFailure, cause?: unknown): void {
    const { response } = this.#exchange;
    if (failure === 'malformed-response') this.#logMalformedResponse(cause);
    if (response.destroyed) return;
    // Part of the response was sent. Only a broken connection tells the client that the rest is missing.
    if (response.headersSent) response.destroy();
    else if (this.#attempts < MAX_ATTEMPTS && this.#mayRetry(failure)) this.send();
    else this.#hop.fail(FAILURES[failure]);
  }

  /** Whether a second attempt cannot perform the operation twice. */
  #mayRetry(failure: UpstreamFailure): boolean {
    if (failure === 'unreachable' || failure === 'connect-timeout') return true;
    return failure === 'disconnected' && this.#request.body === undefined && SAFE_METHODS.has(this.#request.method);
  }

  #logMalformedResponse(cause: unknown): void {
    const { requestId, route, service } = this.#exchange;
    const fields = { requestId, tenantId: route?.tenantId, service, reason: reasonOf(cause) };
    this.#log.warn(fields, 'a task sent a malformed response');
  }
}

/** Messages of MalformedResponse are constants; other errors may quote the response, so only their code is logged. */
function reasonOf(cause: unknown): string {
  if (cause instanceof MalformedResponse) return cause.message;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
}
