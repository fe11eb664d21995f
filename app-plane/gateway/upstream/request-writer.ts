import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { UpstreamRequest } from './call.ts';

/** Methods whose requests are understood to have a body: that there is none must be said (RFC 9110, 8.6). */
const EXPECT_BODY = new Set(['POST', 'PUT', 'PATCH']);
/** What would begin another line, or is no byte: Node's parser lets neither in, and this is where it would come out. */
const UNSAFE = /[^\t\x20-\x7e\x80-\xff]/;
const UNSAFE_PATH = /[^\x21-\x7e\x80-\xff]/;

/** What a request says, before it is written. */
export interface RequestParts {
  readonly method: string;
  readonly path: string;
  /** `name, value, name, value ...`, with `host`, without what frames the body. */
  readonly headers: readonly string[];
  readonly body: Buffer | Readable | undefined;
  /** Of a stream, in bytes, where it is known. */
  readonly length?: number | undefined;
}

/** @returns undefined where path or a header cannot be written as one line */
export function writeRequest({ method, path, headers, body, length }: RequestParts): UpstreamRequest | undefined {
  if (UNSAFE_PATH.test(path)) return undefined;
  let head = `${method} ${path} HTTP/1.1\r\n`;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const value = headers[i + 1] as string;
    if (UNSAFE.test(value)) return undefined;
    head += `${headers[i]}: ${value}\r\n`;
  }
  const bytes = body === undefined ? 0 : Buffer.isBuffer(body) ? body.length : length;
  if (bytes === undefined) head += 'transfer-encoding: chunked\r\n';
  else if (body !== undefined || EXPECT_BODY.has(method)) head += `content-length: ${bytes}\r\n`;
  return { method, head: `${head}\r\n`, body, length: bytes };
}

/** What the task took for the body's rest, or for another request, would be another tenant's. */
const WRONG_LENGTH = new Error('the body is not as long as was said');

/** A body on its way through a connection, piece by piece and no faster than that takes it. */
export class BodyWriter {
  readonly #socket: Socket;
  readonly #body: Readable;
  readonly #chunked: boolean;
  /** Bytes still to come of a body whose length was said. */
  #left: number;
  readonly #told: { readonly progress: () => void; readonly failed: (cause: unknown) => void };
  #ended = false;

  constructor(
    socket: Socket,
    body: Readable,
    length: number | undefined,
    told: { readonly progress: () => void; readonly failed: (cause: unknown) => void },
  ) {
    this.#socket = socket;
    this.#body = body;
    this.#chunked = length === undefined;
    this.#left = length ?? Number.POSITIVE_INFINITY;
    this.#told = told;
    body.on('data', this.#write).on('end', this.#end).on('error', this.#fail).on('close', this.#fail);
    // It failed while it waited for a connection.
    if (body.destroyed) process.nextTick(this.#fail, body.errored);
  }

  /** Whether all of it was handed to the connection. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Writes no more. */
  stop(): void {
    this.#body.off('data', this.#write).off('end', this.#end);
    this.#socket.off('drain', this.#goOn);
    // Its error listener stays: what is destroyed early may still say why.
    if (!this.#ended) this.#body.destroy();
    this.#ended = true;
  }

  readonly #write = (piece: Buffer): void => {
    this.#left -= piece.length;
    if (this.#left < 0) {
      this.#fail(WRONG_LENGTH);
      return;
    }
    // As a chunk it would be the last one.
    if (piece.length === 0) return;
    this.#told.progress();
    if (this.#chunked) this.#socket.write(`${piece.length.toString(16)}\r\n`, 'latin1');
    let takesMore = this.#socket.write(piece);
    if (this.#chunked) takesMore = this.#socket.write('\r\n', 'latin1');
    if (takesMore) return;
    this.#body.pause();
    this.#socket.once('drain', this.#goOn);
  };

  readonly #goOn = (): void => {
    this.#body.resume();
  };

  readonly #end = (): void => {
    if (!this.#chunked && this.#left > 0) {
      this.#fail(WRONG_LENGTH);
      return;
    }
    this.#ended = true;
    this.#told.progress();
    if (this.#chunked) this.#socket.write('0\r\n\r\n', 'latin1');
  };

  /** Also where it closes without an end. */
  readonly #fail = (cause?: unknown): void => {
    if (!this.#ended) this.#told.failed(cause);
  };
}
