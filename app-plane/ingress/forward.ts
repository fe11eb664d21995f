import type { IncomingMessage, ServerResponse } from 'node:http';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Dispatcher } from 'undici';
import { requestHeaders, responseHeaders } from './headers.ts';
import { PROBLEMS, type Problem } from './problems.ts';

/** Why a request got no complete response from its service. */
export type Failure =
  /** The client has disconnected, or its body ended before its declared length. */
  | { readonly kind: 'client-gone' }
  /** No response has begun: the client gets `problem`. */
  | { readonly kind: 'refused'; readonly problem: Problem; readonly cause: unknown }
  /** The response had begun: the client's connection is closed, so that it does not take the part for the whole. */
  | { readonly kind: 'broken-off'; readonly cause: unknown };

/** undici's and Node's error codes. Any other error is a response that is not valid. */
const BY_CODE: Readonly<Record<string, Problem>> = {
  ...Object.fromEntries(
    [
      ...['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_SOCKET', 'UND_ERR_CLOSED', 'UND_ERR_DESTROYED'],
      ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'EADDRNOTAVAIL'],
      ...['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'EMFILE', 'ENFILE'],
    ].map((code) => [code, PROBLEMS.unavailable]),
  ),
  UND_ERR_HEADERS_TIMEOUT: PROBLEMS.gatewayTimeout,
  UND_ERR_BODY_TIMEOUT: PROBLEMS.gatewayTimeout,
  UND_ERR_INVALID_ARG: PROBLEMS.malformed,
  UND_ERR_NOT_SUPPORTED: PROBLEMS.malformed,
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: PROBLEMS.malformed,
};

/**
 * Sends the request to a service and its response to the client, both as streams.
 * @param path what the service receives, with the query
 * @returns undefined once the client has the whole response
 */
export async function forward(
  service: Dispatcher,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Failure | undefined> {
  const aborted = new AbortController();
  let received: Readable | undefined;
  // The response also closes when the service breaks off.
  const onClose = (): void => {
    if (!received?.errored) aborted.abort();
  };
  response.once('close', onClose);
  try {
    const { statusCode, headers, body } = await service.request({
      method: request.method as Dispatcher.HttpMethod,
      path,
      headers: requestHeaders(request.rawHeaders),
      body: bodyOf(request),
      responseHeaders: 'raw',
      signal: aborted.signal,
    });
    received = body;
    // With `responseHeaders: 'raw'` undici gives a flat list, which its types do not express.
    response.writeHead(statusCode, responseHeaders(headers as unknown as string[]));
    await pipeline(body, response);
    return undefined;
  } catch (cause) {
    if (request.destroyed && !request.complete) return { kind: 'client-gone' };
    if (aborted.signal.aborted) return { kind: 'client-gone' };
    if (response.headersSent) return { kind: 'broken-off', cause };
    return { kind: 'refused', problem: BY_CODE[codeOf(cause)] ?? PROBLEMS.badGateway, cause };
  } finally {
    response.off('close', onClose);
  }
}

/**
 * The request's body, or null if it has none. undici destroys the stream when a service responds before it has read all
 * of it; the stream between them keeps the client's connection, on which the response must arrive.
 */
function bodyOf(request: IncomingMessage): Readable | null {
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = request.headers;
  if (encoding === undefined && Number(length) === 0) return null;
  const body = new PassThrough();
  request.once('close', () => {
    if (!request.complete) body.destroy();
  });
  // The rest of a body that the service does not read is discarded, so that the next request can be read.
  body.once('close', () => {
    request.unpipe(body);
    request.resume();
  });
  return request.pipe(body);
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}
