import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { Duplex } from 'node:stream';
import type { Exchange } from './fuzz-case.ts';

/** What Node's HTTP client has read of one response so far. */
export interface NodeResponse {
  status: number | undefined;
  /** `name, value, name, value ...` as received. */
  rawHeaders: readonly string[];
  /** latin1 */
  body: string;
  complete: boolean;
  error: string | undefined;
}

/** A connection whose bytes the test decides, so that every read is what a case says. */
class ScriptedSocket extends Duplex {
  override _read(): void {}

  override _write(_chunk: unknown, _encoding: BufferEncoding, done: () => void): void {
    done();
  }

  setKeepAlive(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}

class OneSocketAgent extends Agent {
  readonly socket = new ScriptedSocket();
  connections = 0;

  constructor() {
    super({ keepAlive: true, maxSockets: 1 });
  }

  override createConnection(): Duplex {
    this.connections += 1;
    return this.connections === 1 ? this.socket : new ScriptedSocket();
  }
}

/** Reads the responses on one connection with Node's HTTP client. */
export class NodeConnection {
  readonly #agent = new OneSocketAgent();
  #request: ClientRequest | undefined;

  /** Sends a request. @returns its response, which changes as bytes arrive */
  async send(method: Exchange['method']): Promise<NodeResponse> {
    const response: NodeResponse = { status: undefined, rawHeaders: [], body: '', complete: false, error: undefined };
    const sent = request({ agent: this.#agent, method, path: '/' });
    this.#request = sent;
    sent.on('response', (message) => this.#read(message, response));
    sent.on('error', (error) => {
      response.error ??= error.message;
    });
    sent.end();
    await nextTurn();
    return response;
  }

  #read(message: IncomingMessage, response: NodeResponse): void {
    response.status = message.statusCode;
    response.rawHeaders = message.rawHeaders;
    message.setEncoding('latin1');
    message.on('data', (text) => {
      response.body += text;
    });
    message.on('end', () => {
      response.complete = message.complete;
    });
    message.on('error', (error) => {
      response.error ??= error.message;
    });
  }

  /** The task's bytes arrive, as one read. */
  async receive(bytes: Buffer): Promise<void> {
    if (bytes.length > 0 && !this.#agent.socket.destroyed) this.#agent.socket.push(bytes);
    await nextTurn();
  }

  /** The task closes the connection. */
  async end(): Promise<void> {
    if (!this.#agent.socket.destroyed) this.#agent.socket.push(null);
    await nextTurn();
  }

  /** Whether the next request would use the same connection. */
  get reusable(): boolean {
    return Object.keys(this.#agent.freeSockets).length > 0 && !this.#agent.socket.destroyed;
  }

  destroy(): void {
    this.#request?.destroy();
    this.#agent.destroy();
    this.#agent.socket.destroy();
  }
}

/** Waits for one turn of the event loop, within which streams and parser emit. */
function nextTurn(): Promise<void> {
  return new Promise(setImmediate);
}
