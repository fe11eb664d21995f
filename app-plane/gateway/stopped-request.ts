import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Turns } from './turns.ts';

const http = process.getBuiltinModule('node:http');

/**
 * Why Node's parser stops at the headers of a request. `surplus`: the connection has as many requests as it may have.
 * `chunked`: the gateway joins the chunks of the body before the parser reads them.
 */
export type StopReason = 'surplus' | 'chunked';

const REASON = Symbol('why the parser stops');
const UPGRADE = Symbol('what Node has found');

interface Stoppable {
  [REASON]?: StopReason | 'none';
}

/** Connections whose next request is one at which the parser has stopped before. */
const rereading = new WeakSet<Duplex>();

/**
 * The class of the requests of a server that stops reading at a surplus request and at a chunked one.
 *
 * Node parses up to 64 KB of a connection before anybody else gets a turn: hundreds of requests, or thousands of chunks.
 * Pausing the connection takes effect only afterwards. The parser stops at once at a request that upgrades the connection to
 * another protocol. So these requests pretend to do that.
 */
export function stoppableRequest(turns: Turns): typeof IncomingMessage {
  return class StoppableRequest extends http.IncomingMessage implements Stoppable {
    declare [REASON]?: StopReason | 'none';
    declare [UPGRADE]?: boolean | null;

    constructor(socket: Socket) {
      super(socket);
      if (turns.isFull(socket)) this[REASON] = 'surplus';
      else if (rereading.delete(socket)) this[REASON] = 'none';
    }

    /** Node reads this when the headers are complete. */
    get upgrade(): boolean {
      this[REASON] ??= this.headers['transfer-encoding'] === undefined ? 'none' : 'chunked';
      return this[REASON] !== 'none' || this[UPGRADE] === true;
    }

    set upgrade(found: boolean | null) {
      this[UPGRADE] = found;
    }
  };
}

/** Why the parser stopped at this request. Undefined if it did not. */
export function stopReason(request: IncomingMessage): StopReason | undefined {
  const reason = (request as Stoppable)[REASON];
  return reason === 'none' ? undefined : reason;
}

/** The parser does not stop at the next request of the connection. */
export function letNextPass(socket: Duplex): void {
  rereading.add(socket);
}

/** Whether the connection is being read again. */
export function isRereading(socket: Duplex): boolean {
  return rereading.has(socket);
}
