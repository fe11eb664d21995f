import type { Dispatcher } from 'undici';
import { MalformedResponse } from '../malformed-response.ts';
import type { UpstreamRequest } from '../request.ts';
import { headerRole } from '../response-headers.ts';
import type { ResponseListener, UpstreamCall, UpstreamFailure } from '../upstream.ts';
import { causeOf, failureOf } from './undici-failure.ts';

/** A request in progress, which ends exactly once. */
export class UndiciCall implements UpstreamCall, Dispatcher.DispatchHandler {
  readonly #request: UpstreamRequest;
  readonly #listener: ResponseListener;
  readonly #onEnded: () => void;
  #controller: Dispatcher.DispatchController | undefined;
  #paused = false;
  #ended = false;

  /** @param onEnded called once, however the call ends */
  constructor(request: UpstreamRequest, listener: ResponseListener, onEnded: () => void) {
    this.#request = request;
    this.#listener = listener;
    this.#onEnded = onEnded;
  }

  dispatchTo(dispatcher: Dispatcher): void {
    if (this.#ended) return;
    const { method, path, headers, body, length } = this.#request;
    const declared = length !== undefined && body && !Buffer.isBuffer(body) ? ['content-length', String(length)] : [];
    dispatcher.dispatch({ method, path, headers: [...headers, ...declared], body: body ?? null }, this);
  }

  abort(): void {
    if (this.#end()) this.#controller?.abort(new Error('aborted'));
  }

  pause(): void {
    this.#paused = true;
    this.#controller?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#controller?.resume();
  }

  fail(failure: UpstreamFailure, cause?: unknown): void {
    if (this.#end()) this.#listener.onFailure(failure, cause);
  }

  /** Fails because the connections are being destroyed. */
  failDestroyed(): void {
    this.fail(this.#controller ? 'disconnected' : 'unreachable');
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#ended) controller.abort(new Error('aborted'));
    else if (this.#paused) controller.pause();
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    // 1xx responses precede the final one and are discarded.
    if (this.#ended || status < 200) return;
    this.#listener.onHead(status, passedHeaders(controller.rawHeaders));
  }

  onResponseData(_controller: Dispatcher.DispatchController, piece: Buffer): void {
    // After a pause undici reports an empty piece.
    if (!this.#ended && piece.length > 0) this.#listener.onData(piece);
  }

  onResponseEnd(): void {
    if (this.#end()) this.#listener.onEnd();
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    const { body } = this.#request;
    const stream = body && !Buffer.isBuffer(body) ? body : undefined;
    this.fail(failureOf(error, { started: this.#controller !== undefined, body: stream }), causeOf(error));
  }

  /** @returns false if the call had ended before */
  #end(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.#onEnded();
    return true;
  }
}

/** @param raw `name, value, name, value ...` as undici's HTTP/1.1 parser gives them */
function passedHeaders(raw: Dispatcher.DispatchController['rawHeaders']): string[] {
  if (!Array.isArray(raw)) throw new MalformedResponse('the response has no header list');
  const passed: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = latin1(raw[i]);
    const role = headerRole(name);
    if (role === 'pass' || role === 'content-length') passed.push(name, latin1(raw[i + 1]));
  }
  return passed;
}

function latin1(text: Buffer | string | undefined): string {
  return typeof text === 'string' ? text : (text?.toString('latin1') ?? '');
}
