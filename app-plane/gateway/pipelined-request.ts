import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Turns } from './turns.ts';

const http = process.getBuiltinModule('node:http');

/**
 * The class of the requests of a server that reads no more requests of a connection than `turns` allows.
 *
 * Node parses every request of a chunk, up to 64 KB of them, before anybody else gets a turn; pausing the connection takes
 * effect only after the chunk. The parser stops at once at a request that upgrades the connection to another protocol. So a
 * surplus request pretends to do that. It has no response: the connection closes after the responses to the requests before
 * it, and the client repeats what it has no response to (RFC 9112, 9.3.2).
 */
export function pipelinedRequest(turns: Turns): typeof IncomingMessage {
  return class PipelinedRequest extends http.IncomingMessage {
    constructor(socket: Socket) {
      super(socket);
      if (turns.isFull(socket)) pretendUpgrade(this);
    }
  };
}

const surplus = new WeakSet<IncomingMessage>();

/** Whether the connection already had as many requests as it may have when this one arrived. */
export function isSurplus(request: IncomingMessage): boolean {
  return surplus.has(request);
}

/** Node's parser sets `upgrade` from the headers later on. */
function pretendUpgrade(request: IncomingMessage): void {
  surplus.add(request);
  Object.defineProperty(request, 'upgrade', { get: () => true, set: () => undefined });
}
