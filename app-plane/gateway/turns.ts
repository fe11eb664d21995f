import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** A client that sends more requests on one connection without waiting for responses is disconnected. */
const MAX_WAITING = 64;

/**
 * Serves the requests of one connection one after the other. HTTP lets a client send requests before it has read the
 * responses (pipelining, RFC 9112, 9.3.2). Their responses go out in order anyway, so serving them at the same time would
 * only occupy connections to the platform and to tasks, for responses that the client may never read.
 */
export class Turns {
  /** The requests that wait, by connection with a request in progress. */
  readonly #waiting = new WeakMap<Socket, (() => void)[] | undefined>();

  /** Whether a request of the connection is in progress. */
  isBusy(socket: Socket): boolean {
    return this.#waiting.has(socket);
  }

  /** Calls `serve` when the responses to all earlier requests of the connection are complete, or never. */
  take(socket: Socket, response: ServerResponse, serve: () => void): void {
    if (!this.#waiting.has(socket)) {
      // Most connections have no second request, so the list is made when it is needed.
      this.#waiting.set(socket, undefined);
      this.#serve(socket, response, serve);
      return;
    }
    const waiting = this.#waiting.get(socket) ?? [];
    if (waiting.length >= MAX_WAITING) {
      socket.destroy();
      return;
    }
    waiting.push(() => this.#serve(socket, response, serve));
    if (waiting.length === 1) this.#waiting.set(socket, waiting);
  }

  #serve(socket: Socket, response: ServerResponse, serve: () => void): void {
    serve();
    // After the listeners that `serve` adds: what they free is there for the next request.
    response.once('close', () => this.#next(socket));
  }

  #next(socket: Socket): void {
    const next = socket.destroyed ? undefined : this.#waiting.get(socket)?.shift();
    if (next) next();
    else this.#waiting.delete(socket);
  }
}
