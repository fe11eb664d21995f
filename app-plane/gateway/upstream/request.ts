import type { Readable } from 'node:stream';

/** A request to a task. Only `createRequest` makes one, so that every line in it is safe to write. */
export interface UpstreamRequest {
  readonly method: string;
  readonly path: string;
  /** `name, value, name, value ...`, without headers that frame the body. */
  readonly headers: readonly string[];
  /** Request line and headers as they go over the wire, with the empty line at the end. */
  readonly head: string;
  /** A stream is read once, and destroyed if it was started and could not be sent completely. */
  readonly body: Buffer | Readable | undefined;
  /** Length of the body in bytes. Undefined where it is not known; the stream is then sent in chunks. */
  readonly length: number | undefined;
}

/** The parts of a request. */
export interface RequestParts {
  readonly method: string;
  readonly path: string;
  /** `name, value, name, value ...`, with `host`, without headers that frame the body. */
  readonly headers: readonly string[];
  readonly body: Buffer | Readable | undefined;
  /** Length of a stream in bytes, where it is known. */
  readonly length?: number | undefined;
}

/** Methods whose requests usually have a body. Without one, they must send `Content-Length: 0` (RFC 9110, 8.6). */
const EXPECT_BODY = new Set(['POST', 'PUT', 'PATCH']);
/** A line break, another control character, or a character that is not one byte. Node's parser refuses them on receipt. */
const UNSAFE_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
const UNSAFE_PATH = /[^\x21-\x7e\x80-\xff]/;

/** @returns undefined if the path or a header value cannot be written as part of one line */
export function createRequest({ method, path, headers, body, length }: RequestParts): UpstreamRequest | undefined {
  if (UNSAFE_PATH.test(path)) return undefined;
  let head = `${method} ${path} HTTP/1.1\r\n`;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const value = headers[i + 1] as string;
    if (UNSAFE_VALUE.test(value)) return undefined;
    head += `${headers[i]}: ${value}\r\n`;
  }
  const bytes = body === undefined ? 0 : Buffer.isBuffer(body) ? body.length : length;
  if (bytes === undefined) head += 'transfer-encoding: chunked\r\n';
  else if (body !== undefined || EXPECT_BODY.has(method)) head += `content-length: ${bytes}\r\n`;
  return { method, path, headers, head: `${head}\r\n`, body, length: bytes };
}
