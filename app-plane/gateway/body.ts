import type { IncomingMessage } from 'node:http';
import { Transform, type TransformCallback } from 'node:stream';
import { DomainError } from '../../core/errors.ts';

/** Bodies known to be at most this long are read before they are sent on: one write, and they can be sent again. */
const READ_AHEAD = 64 * 1024;

/** Whether the request carries a body at all, by its framing. */
export function hasBody(request: IncomingMessage): boolean {
  return request.headers['transfer-encoding'] !== undefined || (contentLength(request) ?? 0) > 0;
}

/** As declared, or undefined. The parser has refused what is not a number. */
export function contentLength(request: IncomingMessage): number | undefined {
  const declared = request.headers['content-length'];
  return declared === undefined ? undefined : Number(declared);
}

/**
 * The body to send on, kept to `limit` bytes: nothing, a short one in memory, or a stream that fails with TOO_LARGE.
 * Not called back where the client leaves before a short one is complete.
 */
export function openBody(
  request: IncomingMessage,
  limit: number,
  use: (body: Buffer | Transform | undefined) => void,
): void {
  if (!hasBody(request)) use(undefined);
  else if ((contentLength(request) ?? Number.POSITIVE_INFINITY) > READ_AHEAD) use(request.pipe(new LimitedBody(limit)));
  else readAhead(request, use);
}

function readAhead(request: IncomingMessage, use: (body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => use(Buffer.concat(chunks)));
}

/** A body passed on piece by piece. Its own stream, since the HTTP client destroys the body of a failed request. */
class LimitedBody extends Transform {
  #left: number;

  constructor(limit: number) {
    super();
    this.#left = limit;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#left -= chunk.length;
    if (this.#left < 0) done(new DomainError('TOO_LARGE', 'the body is longer than the gateway lets through'));
    else done(null, chunk);
  }
}
