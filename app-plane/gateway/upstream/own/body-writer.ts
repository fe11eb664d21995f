import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';

/** If such a body were sent, its rest would be read as another tenant's request, or that request as the rest of the body. */
const WRONG_LENGTH = new Error('the request body is longer or shorter than its Content-Length');

export interface BodyListener {
  /** A piece of the body was written. */
  onProgress(): void;
  /** The body failed, or closed before its end. Called at most once. */
  onFailure(cause: unknown): void;
}

/** Writes a body to a connection piece by piece, no faster than the connection accepts it. */
export class BodyWriter {
  readonly #socket: Socket;
  readonly #body: Readable;
  readonly #listener: BodyListener;
  readonly #chunked: boolean;
  /** Bytes still expected of a body with a known length. */
  #remaining: number;
  #ended = false;

  constructor(socket: Socket, body: Readable, length: number | undefined, listener: BodyListener) {
    this.#socket = socket;
    this.#body = body;
    this.#listener = listener;
    this.#chunked = length === undefined;
    this.#remaining = length ?? Number.POSITIVE_INFINITY;
    body.on('data', this.#write).on('end', this.#end).on('error', this.#fail).on('close', this.#fail);
    // The body failed while it waited for a connection.
    if (body.destroyed) process.nextTick(this.#fail, body.errored);
  }

  /** Whether the whole body was written to the connection. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Stops writing and destroys the body if it has not ended. */
  stop(): void {
    this.#body.off('data', this.#write).off('end', this.#end);
    this.#socket.off('drain', this.#resume);
    // The error listener stays, because a destroyed stream may still emit an error.
    if (!this.#ended) this.#body.destroy();
    this.#ended = true;
  }

  readonly #write = (piece: Buffer): void => {
    this.#remaining -= piece.length;
    if (this.#remaining < 0) {
      this.#fail(WRONG_LENGTH);
      return;
    }
    // An empty chunk would end the body.
    if (piece.length === 0) return;
    this.#listener.onProgress();
    if (this.#chunked) this.#socket.write(`${piece.length.toString(16)}\r\n`, 'latin1');
    let writable = this.#socket.write(piece);
    if (this.#chunked) writable = this.#socket.write('\r\n', 'latin1');
    if (writable) return;
    this.#body.pause();
    this.#socket.once('drain', this.#resume);
  };

  readonly #resume = (): void => {
    this.#body.resume();
  };

  readonly #end = (): void => {
    if (!this.#chunked && this.#remaining > 0) {
      this.#fail(WRONG_LENGTH);
      return;
    }
    this.#ended = true;
    this.#listener.onProgress();
    if (this.#chunked) this.#socket.write('0\r\n\r\n', 'latin1');
  };

  readonly #fail = (cause?: unknown): void => {
    if (!this.#ended) this.#listener.onFailure(cause);
  };
}
