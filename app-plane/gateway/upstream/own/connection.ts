import { connect, type Socket } from 'node:net';
import type { Timeouts, UpstreamFailure } from '../upstream.ts';
import { BodyWriter } from './body-writer.ts';
import type { Carrier, OwnCall } from './call.ts';
import { ResponseParser } from './response-parser.ts';

/** The pool that a connection reports to. */
export interface ConnectionOwner {
  /** The response is complete and the connection can carry another request. */
  released(connection: Connection): void;
  /** The connection has ended. Called once. */
  closed(connection: Connection): void;
}

/**
 * All connections read into this buffer. The kernel fills it and the parser empties it in one step of the event loop, so
 * a read does not allocate the 64 KiB that it may need.
 */
const READ_BUFFER = Buffer.allocUnsafeSlow(64 * 1024);

/**
 * Linux delivers a long write in pieces, and only the last piece is shorter than this. So a shorter read has reached the
 * end of a write. After a longer one, the rest of the write may follow and would be read as the next response.
 */
const SHORTEST_PARTIAL_WRITE = 32 * 1024;

/** A connection to a task's socket. It carries one request at a time. */
export class Connection implements Carrier {
  readonly #owner: ConnectionOwner;
  readonly #socket: Socket;
  readonly #parser = new ResponseParser();
  #call: OwnCall | undefined;
  #body: BodyWriter | undefined;
  #connected = false;
  #paused = false;
  #closed = false;
  /** When the current timeout began, in milliseconds of `performance.now()`. */
  #since = performance.now();

  constructor(socketPath: string, owner: ConnectionOwner) {
    this.#owner = owner;
    this.#socket = connect({ path: socketPath, onread: { buffer: READ_BUFFER, callback: this.#read } });
    this.#socket.on('connect', () => {
      this.#connected = true;
      this.#since = performance.now();
      this.#send();
    });
    this.#socket.on('end', () => (this.#parser.end() ? this.#finish(false) : this.#close('disconnected')));
    // 'close' follows and handles it.
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => this.#close(this.#connected ? 'disconnected' : 'unreachable'));
  }

  /** Sends the request of a call as soon as the connection is established. */
  carry(call: OwnCall): void {
    call.carrier = this;
    this.#call = call;
    this.#parser.begin(call.listener, call.request.method === 'HEAD');
    this.#since = performance.now();
    if (this.#connected) this.#send();
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#since = performance.now();
    this.#socket.resume();
  }

  drop(): void {
    this.#call = undefined;
    this.#close('disconnected');
  }

  /** Closes the connection at once. A call that it carries fails. */
  destroy(): void {
    this.#close('disconnected');
  }

  /** Closes the connection if a timeout has passed. */
  checkTimeouts(now: number, timeouts: Timeouts): void {
    const waited = now - this.#since;
    if (this.#call === undefined) {
      if (waited >= this.#parser.keepAliveMs) this.#close('disconnected');
    } else if (!this.#connected) {
      if (waited >= timeouts.connectMs) this.#close('connect-timeout');
    } else if (!this.#parser.begun) {
      // While the client is slow to send the body, the task cannot respond.
      const waitsForClient = this.#body?.ended === false && !this.#socket.writableNeedDrain;
      if (waited >= timeouts.headersMs && !waitsForClient) this.#close('headers-timeout');
    } else if (waited >= timeouts.bodyMs && !this.#paused) {
      this.#close('body-timeout');
    }
  }

  #send(): void {
    if (this.#call === undefined) return;
    const { head, body, length } = this.#call.request;
    if (body === undefined) {
      this.#socket.write(head, 'latin1');
      return;
    }
    this.#socket.cork();
    this.#socket.write(head, 'latin1');
    if (Buffer.isBuffer(body)) this.#socket.write(body);
    else this.#body = new BodyWriter(this.#socket, body, length, this.#bodyListener);
    this.#socket.uncork();
  }

  readonly #bodyListener = {
    onProgress: (): void => {
      this.#since = performance.now();
    },
    onFailure: (cause: unknown): void => this.#close('request-body', cause),
  };

  readonly #read = (length: number, buffer: Uint8Array): boolean => {
    try {
      const complete = this.#parser.feed((buffer as Buffer).subarray(0, length));
      // A partial head or a 1xx response does not count as a response.
      if (this.#parser.begun) this.#since = performance.now();
      if (complete) this.#finish(length < SHORTEST_PARTIAL_WRITE);
    } catch (error) {
      // The response is malformed, or the listener cannot pass it on.
      this.#close('malformed-response', error);
    }
    return true;
  };

  /** @param readAll whether the task cannot have sent more than was read */
  #finish(readAll: boolean): void {
    const call = this.#call;
    if (call === undefined) return;
    this.#call = undefined;
    this.#parser.detach();
    if (this.#paused) this.resume();
    const bodyUnsent = this.#body !== undefined && !this.#body.ended;
    if (bodyUnsent || !readAll || this.#parser.keepAliveMs === 0) {
      this.#close('disconnected');
    } else {
      this.#body?.stop();
      this.#body = undefined;
      this.#owner.released(this);
    }
    call.complete();
  }

  #close(failure: UpstreamFailure, cause?: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    const call = this.#call;
    this.#call = undefined;
    this.#parser.detach();
    this.#body?.stop();
    this.#socket.destroy();
    this.#owner.closed(this);
    call?.fail(failure, cause);
  }
}
