import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Requests of one connection that may wait for their responses at the same time. See stopped-request.ts. */
export const MAX_PIPELINED = 32;

/** Serves one request. Must call `ended` once, when the response is complete or the connection is gone. */
export type Serve = (ended: () => void) => void;

interface Waiting {
  readonly response: ServerResponse;
  readonly serve: Serve;
}

/** The requests of one connection whose responses are not complete. */
interface Line {
  /** The response in progress. */
  current: ServerResponse | undefined;
  readonly waiting: Waiting[];
  /** Bytes that the connection had received when a request was served at once. */
  servedAt: number;
  /** Called once, when no request is left. */
  end: (() => void) | undefined;
}

/**
 * Serves the requests of one connection one after the other, and at most one in a turn of the event loop, so that everybody
 * else gets a turn. HTTP lets a client send requests before it has read the responses (pipelining, RFC 9112, 9.3.2). Their
 * responses go out in order anyway, so serving them at the same time would only occupy connections to the platform and to
 * tasks, for responses that the client may never read.
 */
export class Turns {
  readonly #lines = new WeakMap<Duplex, Line>();

  /** Whether the connection has a request without a complete response. */
  isBusy(socket: Duplex): boolean {
    const line = this.#lines.get(socket);
    return line !== undefined && isBusy(line);
  }

  /** Whether the connection has as many requests as it may have. */
  isFull(socket: Duplex): boolean {
    return (this.#lines.get(socket)?.waiting.length ?? 0) >= MAX_PIPELINED - 1;
  }

  /** The response in progress. */
  current(socket: Duplex): ServerResponse | undefined {
    return this.#lines.get(socket)?.current;
  }

  /** Calls `serve` when the responses to all earlier requests of the connection are complete, or never. */
  take(socket: Socket, response: ServerResponse, serve: Serve): void {
    const line = this.#lineOf(socket);
    const { bytesRead } = socket;
    if (isBusy(line)) {
      line.waiting.push({ response, serve });
    } else if (line.servedAt === bytesRead) {
      // Another request that arrived with the same read has just been served.
      line.waiting.push({ response, serve });
      this.#serveSoon(socket, line);
    } else {
      line.servedAt = bytesRead;
      this.#serve(socket, line, { response, serve });
    }
  }

  /** Makes the last response say that the connection closes after it, which makes Node close it. */
  closeAfterLast(socket: Duplex): void {
    const line = this.#lineOf(socket);
    const last = line.waiting.at(-1)?.response ?? line.current;
    if (last) last.shouldKeepAlive = false;
  }

  /**
   * Calls `run` when the responses to all complete requests are complete, or never. A request that is still arriving is
   * dropped if it waits.
   */
  afterLast(socket: Duplex, run: () => void): void {
    const line = this.#lineOf(socket);
    if (line.waiting.at(-1)?.response.req.complete === false) line.waiting.pop();
    if (isBusy(line)) line.end = run;
    else run();
  }

  #lineOf(socket: Duplex): Line {
    let line = this.#lines.get(socket);
    if (!line) {
      line = { current: undefined, waiting: [], servedAt: 0, end: undefined };
      this.#lines.set(socket, line);
    }
    return line;
  }

  #serveSoon(socket: Duplex, line: Line): void {
    setImmediate(() => {
      const next = socket.destroyed ? undefined : line.waiting.shift();
      if (next) this.#serve(socket, line, next);
      else end(socket, line);
    });
  }

  #serve(socket: Duplex, line: Line, { response, serve }: Waiting): void {
    line.current = response;
    serve(() => this.#next(socket, line));
  }

  #next(socket: Duplex, line: Line): void {
    line.current = undefined;
    if (line.waiting.length > 0) this.#serveSoon(socket, line);
    else end(socket, line);
  }
}

function isBusy({ current, waiting }: Line): boolean {
  return current !== undefined || waiting.length > 0;
}

function end(socket: Duplex, line: Line): void {
  line.waiting.length = 0;
  const run = line.end;
  line.end = undefined;
  if (!socket.destroyed) run?.();
}
