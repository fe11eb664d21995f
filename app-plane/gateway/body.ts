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

/**
 * Opens the body of a request: nothing, a buffer if it is short, or a stream that fails with TOO_LARGE after `limit`
 * bytes. Does not call `use` if the client disconnects before a short body is complete.
 */
export function openBody(
  request: IncomingMessage,
  limit: number,
  use: (body: Buffer | Transform | undefined) => void,
): void {
  const declared = contentLength(request) ?? Number.POSITIVE_INFINITY;
  if (!hasBody(request)) use(undefined);
  else if (declared > MAX_BUFFERED_BODY) use(request.pipe(new LimitedBody(limit)));
  else readAll(request, use);
}

function readAll(request: IncomingMessage, use: (body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => use(Buffer.concat(chunks)));
}

/** A stream of its own, because the upstream client destroys the body of a request that fails. */
class LimitedBody extends Transform {
  readonly #limit: number;
  #remaining: number;

  constructor(limit: number) {
    super();
    this.#limit = limit;
    this.#remaining = limit;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#remaining -= chunk.length;
    if (this.#remaining < 0)
      done(new DomainError('TOO_LARGE', `the request body must have at most ${this.#limit} bytes`));
    else done(null, chunk);
  }
}
