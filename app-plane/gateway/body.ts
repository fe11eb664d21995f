import type { IncomingMessage } from 'node:http';
import { Transform, type TransformCallback } from 'node:stream';
import { DomainError } from '../../core/errors.ts';

/** A body declared to be at most this long is read before it is sent on: it takes one write and can be sent again. */
const MAX_BUFFERED_BODY = 64 * 1024;

/** Whether the request has a body, by its headers. */
export function hasBody(request: IncomingMessage): boolean {
  return request.headers['transfer-encoding'] !== undefined || (contentLength(request) ?? 0) > 0;
}

/** The declared length of the body in bytes, or undefined. Node's parser has refused values that are not a number. */
export function contentLength(request: IncomingMessage): number | undefined {
  const declared = request.headers['content-length'];
  return declared === undefined ? undefined : Number(declared);
}

/** How a body is read. */
export interface BodyOptions {
  /** Longest body, in bytes. */
  readonly limit: number;
  /**
   * Runs when a streamed body has arrived, before its end is passed on. If it fails, the stream fails with its error, so
   * that the recipient never has the whole body.
   */
  readonly beforeEnd: () => Promise<void>;
}

/**
 * Opens the body of a request that has one: a buffer if it is short, or a stream that fails with TOO_LARGE after
 * `options.limit` bytes. Never resolves if the client disconnects before a short body is complete.
 */
export function openBody(request: IncomingMessage, options: BodyOptions): Promise<Buffer | Transform> {
  const length = contentLength(request);
  if ((length ?? Number.POSITIVE_INFINITY) <= MAX_BUFFERED_BODY) return readAll(request);
  return Promise.resolve(request.pipe(new StreamedBody(options, length)));
}

function readAll(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => resolve(Buffer.concat(chunks)));
  });
}

/** A stream of its own, because the upstream client destroys the body of a request that fails. */
class StreamedBody extends Transform {
  readonly #options: BodyOptions;
  /** Declared, in bytes. */
  readonly #length: number | undefined;
  #received = 0;
  /** The piece that completes a body of declared length. Without it, the recipient cannot act. */
  #last: Buffer | undefined;

  constructor(options: BodyOptions, length: number | undefined) {
    super();
    this.#options = options;
    this.#length = length;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#received += chunk.length;
    const { limit } = this.#options;
    if (this.#received > limit) {
      done(new DomainError('TOO_LARGE', `the request body must have at most ${limit} bytes`));
    } else if (this.#received === this.#length) {
      this.#last = chunk;
      done();
    } else {
      done(null, chunk);
    }
  }

  override _flush(done: TransformCallback): void {
    this.#options.beforeEnd().then(() => done(null, this.#last), done);
  }
}
