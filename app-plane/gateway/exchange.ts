import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Route } from '../../core/routing/registry.ts';
import { contentLength, hasBody } from './body.ts';
import { KEEP_ALIVE_SECONDS } from './http-server.ts';
import { type GatewayResponse, writeHead } from './responses.ts';

/** After an early response, the rest of the request body is read for this long, so that the client reads the response. */
const LINGER_MS = 2_000;
/** Up to this many unread bytes, the gateway reads the rest of the body and keeps the connection. */
const MAX_DISCARDED_BODY = 64 * 1024;

const KEEP_ALIVE = `timeout=${KEEP_ALIVE_SECONDS}`;

export interface ExchangeOptions {
  readonly requestId: string;
  /** The address of the client, not of a trusted proxy. */
  readonly clientAddress: string;
  /** Milliseconds of a monotonic clock. */
  readonly startedAt: number;
  /** The client waits for `100 Continue` before it sends the body. */
  readonly awaitsContinue: boolean;
  /** While the gateway drains, each connection closes after its response. */
  readonly isDraining: () => boolean;
  /** Runs after all `onClosed` callbacks, so that the next request can use what they free. */
  readonly onEnded: () => void;
}

/** A client's request and its response, with the facts for the access log. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  readonly clientAddress: string;
  /** Milliseconds of a monotonic clock. */
  readonly startedAt: number;
  /** Set when the tenant is known. */
  route: Route | undefined;
  /** Set for requests to a tenant's service. */
  service: string | undefined;
  /** Headers for browser pages of other origins: `name, value, name, value ...`. */
  corsHeaders: readonly string[] = [];
  /** Bytes of the response body. */
  bytes = 0;
  #awaitsContinue: boolean;
  readonly #isDraining: () => boolean;
  readonly #onClosed: (() => void)[] = [];

  constructor(request: IncomingMessage, response: ServerResponse, options: ExchangeOptions) {
    this.request = request;
    this.response = response;
    this.requestId = options.requestId;
    this.clientAddress = options.clientAddress;
    this.startedAt = options.startedAt;
    this.#awaitsContinue = options.awaitsContinue;
    this.#isDraining = options.isDraining;
    response.once('close', () => {
      for (const run of this.#onClosed) run();
      options.onEnded();
    });
  }

  /** Calls `run` once, when the response has finished or the client has disconnected. */
  onClosed(run: () => void): void {
    this.#onClosed.push(run);
  }

  /** Sends `100 Continue` if the client waits for it. */
  acceptBody(): void {
    if (!this.#awaitsContinue) return;
    this.#awaitsContinue = false;
    this.response.writeContinue();
  }

  /** Sends a response of the gateway, unless a response has begun or the client has disconnected. */
  respond(response: GatewayResponse): void {
    if (this.response.destroyed || this.response.headersSent) return;
    this.bytes = Buffer.byteLength(response.body);
    const headers: string[] = [];
    this.addGatewayHeaders(headers);
    writeHead(this.response, response, headers);
    if (this.request.method !== 'HEAD') this.response.write(response.body);
    this.end();
  }

  /** Adds the headers that every response of the gateway has. @param headers `name, value, name, value ...` */
  addGatewayHeaders(headers: string[]): void {
    headers.push('x-request-id', this.requestId);
    if (this.corsHeaders.length > 0) headers.push(...this.corsHeaders);
    if (this.#isDraining() || this.#leavesBodyUnread()) headers.push('connection', 'close');
    else if (this.response.shouldKeepAlive) headers.push('keep-alive', KEEP_ALIVE);
  }

  /**
   * Ends the response. If much of the request body has not arrived, reads and discards it for a while first: closing at
   * once would reset the connection, and the client might not read the response.
   * @param last the last piece of the response body. @default - it is written already
   */
  end(last?: Buffer): void {
    const { request, response } = this;
    if (!this.#leavesBodyUnread()) {
      response.end(last);
      return;
    }
    if (last) response.write(last);
    else response.flushHeaders();
    const end = (): void => {
      clearTimeout(timer);
      response.end();
    };
    const timer = setTimeout(end, LINGER_MS).unref();
    request.unpipe();
    request.on('error', end).on('end', end).resume();
  }

  #leavesBodyUnread(): boolean {
    const { request } = this;
    if (request.complete || !hasBody(request)) return false;
    return this.#awaitsContinue || (contentLength(request) ?? Number.POSITIVE_INFINITY) > MAX_DISCARDED_BODY;
  }
}
