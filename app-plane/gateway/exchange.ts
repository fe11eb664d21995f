import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Route } from '../../core/routing/registry.ts';
import { contentLength, hasBody } from './body.ts';
import { type Answer, writeAnswerHead } from './responses.ts';

/** For how long the rest of a body is read after its answer, so that the client gets to read that answer. */
const LINGER_MS = 2_000;
/** Rests at most this long are read and the connection is kept. */
const WORTH_READING = 64 * 1024;

/** One request and its response, with what the access log will say. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  /** Milliseconds of a monotonic clock. */
  readonly startedAt: number;
  /** Set once the tenant is known. */
  route: Route | undefined;
  /** Set for tenants' calls. */
  service: string | undefined;
  /** Of the response's body. */
  bytes = 0;
  /** The client waits for `100 Continue` before it sends the body. */
  #awaitsContinue: boolean;
  /** The gateway is draining: connections end with their response. */
  readonly #closing: () => boolean;
  readonly #atClose: (() => void)[] = [];

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    facts: { requestId: string; startedAt: number; awaitsContinue: boolean; closing: () => boolean },
  ) {
    this.request = request;
    this.response = response;
    this.requestId = facts.requestId;
    this.startedAt = facts.startedAt;
    this.#awaitsContinue = facts.awaitsContinue;
    this.#closing = facts.closing;
    response.once('close', () => {
      for (const run of this.#atClose) run();
    });
  }

  /** Has `run` called once the response is over, whether it was sent or its client left. */
  whenClosed(run: () => void): void {
    this.#atClose.push(run);
  }

  /** Tells a client that asked first to send its body. */
  acceptBody(): void {
    if (!this.#awaitsContinue) return;
    this.#awaitsContinue = false;
    this.response.writeContinue();
  }

  /** Sends an answer of the gateway's own. */
  answer(answer: Answer): void {
    if (this.response.destroyed || this.response.headersSent) return;
    this.bytes = Buffer.byteLength(answer.body);
    writeAnswerHead(this.response, answer, this.ownHeaders());
    if (this.request.method !== 'HEAD') this.response.write(answer.body);
    this.end();
  }

  /** Headers of every response, besides those of the answer itself. */
  ownHeaders(): string[] {
    const own = ['x-request-id', this.requestId];
    if (this.#closing() || this.#leavesBodyUnread()) own.push('connection', 'close');
    return own;
  }

  /**
   * Ends the response. Where much of the request's body is still to come, reads and discards it for a while first:
   * closing at once would reset the connection, and the client might never see the answer.
   */
  end(): void {
    const { request, response } = this;
    if (!this.#leavesBodyUnread()) {
      response.end();
      return;
    }
    response.flushHeaders();
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
    return this.#awaitsContinue || (contentLength(request) ?? Number.POSITIVE_INFINITY) > WORTH_READING;
  }
}
