import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type GatewayResponse, RESPONSES, toWire } from './responses.ts';
import type { Turns } from './turns.ts';

const { STATUS_CODES } = process.getBuiltinModule('node:http');

/** Before the gateway closes a connection, it reads and discards for this long, so that the client gets the response. */
const LINGER_MS = 2_000;

/** Closes a connection on which Node reads no more requests, after the responses to the requests before and `last`. */
export function closeUpgraded({ socket }: IncomingMessage, turns: Turns, last?: GatewayResponse): void {
  if (socket.destroyed) return;
  addListeners(socket, turns);
  if (last) {
    turns.afterLast(socket, () => respondAndClose(socket, last));
    return;
  }
  turns.closeAfterLast(socket);
  // Node calls this after the last response. Closing at once, with unread requests, would reset the connection.
  socket.destroySoon = () => closeSlowly(socket);
}

/**
 * Calls `run` after the responses to the requests before the one at which Node's parser has stopped, or never. It runs in
 * another turn of the event loop, so that everybody else gets one before.
 */
export function afterResponses({ socket }: IncomingMessage, turns: Turns, run: () => void): void {
  if (socket.destroyed) return;
  const removeListeners = addListeners(socket, turns);
  turns.afterLast(socket, () =>
    setImmediate(() => {
      removeListeners();
      // The last response may have announced that the connection closes.
      if (!socket.destroyed && socket.writable) run();
    }),
  );
}

/** Node has removed its own listeners. @returns removes those that this adds */
function addListeners(socket: Socket, turns: Turns): () => void {
  const destroy = (): void => void socket.destroy();
  const drain = (): void => {
    const response = turns.current(socket);
    if (response?.writableNeedDrain) response.emit('drain');
  };
  socket.on('error', destroy).on('timeout', destroy).on('drain', drain);
  return () => socket.off('error', destroy).off('timeout', destroy).off('drain', drain);
}

/** Node's parser refused the request, so there is no `ServerResponse` to respond with. */
export function refuseMalformedRequest(error: NodeJS.ErrnoException, socket: Duplex, turns: Turns): void {
  const current = turns.current(socket);
  const mayRespond = error.code !== 'ECONNRESET' && socket.writable;
  // Another response would become part of the one to the malformed request.
  const hasBegun = current?.headersSent && !current.req.complete;
  const refuse = (): void => respondAndClose(socket, refusalOf(error));
  if (!mayRespond || hasBegun) {
    socket.destroy();
  } else if (current && !current.req.complete) {
    refuse();
  } else {
    socket.pause();
    turns.afterLast(socket, refuse);
  }
}

function refusalOf({ code }: NodeJS.ErrnoException): GatewayResponse {
  if (code === 'HPE_HEADER_OVERFLOW') return RESPONSES.headersTooLarge;
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return RESPONSES.requestTimeout;
  return RESPONSES.badRequest;
}

function respondAndClose(socket: Duplex, response: GatewayResponse): void {
  if (!socket.writable) return;
  socket.on('error', () => socket.destroy());
  socket.write(toWire(response, STATUS_CODES[response.status] ?? ''));
  closeSlowly(socket);
}

/** Ends the connection, then discards what arrives until the client ends it too (RFC 9112, 9.6). */
function closeSlowly(socket: Duplex): void {
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once('close', () => clearTimeout(timer));
  socket.end();
  socket.resume();
}
