import { connect, type Socket } from 'node:net';
import type { Call, Carrier, Fault } from './call.ts';
import { BodyWriter } from './request-writer.ts';
import { AnswerParser } from './response-parser.ts';

/** How long a connection waits for what, in ms. */
export interface Patience {
  /** For the connection itself. */
  readonly connectMs: number;
  /** From the request, all of it, to the answer's head. */
  readonly headersMs: number;
  /** Between two pieces of an answer. */
  readonly bodyMs: number;
}

/** What a connection tells its pool. */
export interface ConnectionOwner {
  /** Its answer is complete and it can carry another request. */
  freed(connection: Connection): void;
  /** It is no more. Told once. */
  gone(connection: Connection): void;
}

/**
 * All connections read into this: the kernel fills it and the parser empties it in one step of the event loop, so that no
 * read has to allocate the 64 KiB that it might bring.
 */
const SCRATCH = Buffer.allocUnsafeSlow(64 * 1024);

/**
 * Linux takes a long write in pieces, none shorter than this but the last: so a read that brings less has met the end of
 * one. After more, the rest of a write may be about to come, and would be read as the answer to the next request.
 */
const MAY_BE_CUT = 32 * 1024;

/** A connection to a task's socket. It carries one request at a time. */
export class Connection implements Carrier {
  readonly #owner: ConnectionOwner;
  readonly #socket: Socket;
  readonly #parser = new AnswerParser();
  #call: Call | undefined;
  #body: BodyWriter | undefined;
  #connected = false;
  #paused = false;
  #gone = false;
  /** When it last began, sent or received anything that a time-out waits for; milliseconds of performance.now(). */
  #since = performance.now();

  constructor(socketPath: string, owner: ConnectionOwner) {
    this.#owner = owner;
    this.#socket = connect({ path: socketPath, onread: { buffer: SCRATCH, callback: this.#read } });
    this.#socket.on('connect', () => {
      this.#connected = true;
      this.#since = performance.now();
      this.#send();
    });
    this.#socket.on('end', () => (this.#parser.end() ? this.#finish(false) : this.#die('broken')));
    // 'close' follows, and says the rest.
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => this.#die(this.#connected ? 'broken' : 'unreachable'));
  }

  /** Sends the call's request, as soon as there is a connection to send it on. */
  carry(call: Call): void {
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
    this.#die('broken');
  }

  /** Ends it at once; a call it carries breaks off. */
  destroy(): void {
    this.#die('broken');
  }

  /** Ends it if it has been idle, or kept waiting, for too long. */
  check(now: number, patience: Patience): void {
    const waited = now - this.#since;
    if (this.#call === undefined) {
      if (waited >= this.#parser.keepAliveMs) this.#die('broken');
    } else if (!this.#connected) {
      if (waited >= patience.connectMs) this.#die('connect-timeout');
    } else if (!this.#parser.begun) {
      // A client that is slow to send its body keeps the task waiting, not the other way round.
      const clientIsSlow = this.#body?.ended === false && !this.#socket.writableNeedDrain;
      if (waited >= patience.headersMs && !clientIsSlow) this.#die('headers-timeout');
    } else if (waited >= patience.bodyMs && !this.#paused) {
      this.#die('body-timeout');
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
    else this.#body = new BodyWriter(this.#socket, body, length, this.#bodyTold);
    this.#socket.uncork();
  }

  readonly #bodyTold = {
    progress: (): void => {
      this.#since = performance.now();
    },
    failed: (cause: unknown): void => this.#die('body', cause),
  };

  readonly #read = (length: number, buffer: Uint8Array): boolean => {
    try {
      const complete = this.#parser.feed((buffer as Buffer).subarray(0, length));
      // Crumbs of a head, and news on the way to it, are no answer yet.
      if (this.#parser.begun) this.#since = performance.now();
      if (complete) this.#finish(length < MAY_BE_CUT);
    } catch {
      // No answer, or one that cannot be passed on.
      this.#die('malformed');
    }
    return true;
  };

  /** @param readAll whether nothing more can be on its way */
  #finish(readAll: boolean): void {
    const call = this.#call;
    if (call === undefined) return;
    this.#call = undefined;
    this.#parser.forget();
    if (this.#paused) this.resume();
    const answeredEarly = this.#body !== undefined && !this.#body.ended;
    if (answeredEarly || !readAll || this.#parser.keepAliveMs === 0) {
      this.#die('broken');
    } else {
      this.#body?.stop();
      this.#body = undefined;
      this.#owner.freed(this);
    }
    call.complete();
  }

  #die(fault: Fault, cause?: unknown): void {
    if (this.#gone) return;
    this.#gone = true;
    const call = this.#call;
    this.#call = undefined;
    this.#parser.forget();
    this.#body?.stop();
    this.#socket.destroy();
    this.#owner.gone(this);
    call?.fail(fault, cause);
  }
}
