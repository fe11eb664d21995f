import type { Readable } from 'node:stream';
import { MalformedResponse } from '../malformed-response.ts';
import type { UpstreamFailure } from '../upstream.ts';

const BY_CODE: Readonly<Record<string, UpstreamFailure>> = {
  UND_ERR_CONNECT_TIMEOUT: 'connect-timeout',
  UND_ERR_HEADERS_TIMEOUT: 'headers-timeout',
  UND_ERR_BODY_TIMEOUT: 'body-timeout',
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: 'request-body',
  // The connection ended within a body of a declared length.
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'disconnected',
  // The call was not aborted by its owner, so the body of the request closed before its end.
  UND_ERR_ABORTED: 'request-body',
  ECONNRESET: 'disconnected',
  EPIPE: 'disconnected',
};

/** `SocketError`s that undici throws for a response that it does not accept. Their code is that of a closed socket. */
const REFUSED_RESPONSE = new Set(['bad response', 'bad upgrade']);

export interface FailedCall {
  /** Whether the request was given a connection. */
  readonly started: boolean;
  /** The body of the request, where it is a stream. */
  readonly body: Readable | undefined;
}

/** Why a call failed, by undici's error. */
export function failureOf(error: Error, { started, body }: FailedCall): UpstreamFailure {
  const code = 'code' in error ? String(error.code) : '';
  if (body?.errored === error) return 'request-body';
  const known = BY_CODE[code];
  if (!started) return known === 'connect-timeout' ? known : 'unreachable';
  if (code === 'UND_ERR_SOCKET') return REFUSED_RESPONSE.has(error.message) ? 'malformed-response' : 'disconnected';
  return known ?? 'malformed-response';
}

/** Errors about a response whose messages are constants of undici and its parser, so that they can be logged. */
const CONSTANT_MESSAGES = new Set(['HTTPParserError', 'HeadersOverflowError', 'SocketError']);

/** The cause to report: a MalformedResponse for errors about the response, otherwise undici's error. */
export function causeOf(error: Error): Error {
  return CONSTANT_MESSAGES.has(error.name) ? new MalformedResponse(error.message, { cause: error }) : error;
}
