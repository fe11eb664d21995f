import { MalformedResponse } from '../malformed-response.ts';
import { headerRole } from '../response-headers.ts';
import { KEEP_ALIVE_MARGIN_MS, KEEP_ALIVE_MS } from '../upstream.ts';

/** How the end of a response body is found (RFC 9112, 6.3). */
export type Framing =
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'until-close' };

/** The status line and headers of a response. */
export interface ResponseHead {
  readonly status: number;
  /** `name, value, name, value ...` as received, without hop-by-hop headers. */
  readonly headers: string[];
  readonly framing: Framing;
  /** How long the connection may stay idle and be used again, in milliseconds. 0: it must be closed. */
  readonly keepAliveMs: number;
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: .*)?$/;
/** Characters that must not occur in a line, and line ends other than CR LF (RFC 9112, 2.2). */
const UNSAFE = /[^\t\r\n\x20-\x7e\x80-\xff]|\r(?!\n)|(?<!\r)\n/;
const DIGITS = /^\d{1,15}$/;
const CLOSE = /(?:^|[\s,])close(?:$|[\s,])/i;
const KEEP_ALIVE_TIMEOUT = /(?:^|[\s,])timeout=(\d{1,6})/i;

/** What the headers say about the connection and the body. */
interface ConnectionHeaders {
  length: number | undefined;
  chunked: boolean;
  keepAliveMs: number;
}

/**
 * Reads the head of a response, without the empty line at its end.
 * @param bodiless true for a response to HEAD, which has no body whatever its headers say
 * Throws MalformedResponse.
 */
export function parseHead(text: string, bodiless: boolean): ResponseHead {
  if (UNSAFE.test(text)) throw new MalformedResponse('the head contains a control character or a bare line break');
  const endOfLine = lineEnd(text, 0);
  const [, minor, digits] = STATUS_LINE.exec(text.slice(0, endOfLine)) ?? [];
  if (digits === undefined) throw new MalformedResponse('the status line is not one of HTTP/1.1');
  const headers: string[] = [];
  const connection: ConnectionHeaders = {
    length: undefined,
    chunked: false,
    keepAliveMs: minor === '0' ? 0 : KEEP_ALIVE_MS,
  };
  parseHeaders(text, endOfLine + 2, headers, connection);
  const { chunked } = connection;
  if (chunked && minor === '0') throw new MalformedResponse('an HTTP/1.0 response must not be chunked');
  const status = Number(digits);
  const framing = framingOf(status, connection);
  // Without a length, a response to HEAD is complete, but Node closes the connection, as it does for GET.
  const keepAliveMs = framing.kind === 'until-close' ? 0 : connection.keepAliveMs;
  return { status, headers, framing: bodiless ? EMPTY : framing, keepAliveMs };
}

/** Appends the headers that are passed on to `headers`, and applies the others to `connection`. */
function parseHeaders(text: string, from: number, headers: string[], connection: ConnectionHeaders): void {
  for (let at = from; at < text.length; ) {
    const end = lineEnd(text, at);
    const colon = text.indexOf(':', at);
    if (colon < 0 || colon > end) throw new MalformedResponse('a header line has no colon');
    const name = text.slice(at, colon);
    const value = trimmed(text, colon + 1, end);
    at = end + 2;
    const role = headerRole(name);
    switch (role) {
      case 'pass':
        headers.push(name, value);
        break;
      case 'content-length':
        connection.length = parseLength(value, connection);
        headers.push(name, value);
        break;
      case 'drop':
        break;
      case undefined:
        throw new MalformedResponse('a header name is not a token');
      case 'transfer-encoding':
        // Node and others do not take a tab for white space here, and read the body until the connection closes.
        if (text.slice(colon, end).includes('\t')) throw new MalformedResponse('Transfer-Encoding contains a tab');
        applyTransferEncoding(value, connection);
        break;
      case 'connection':
        if (CLOSE.test(value)) connection.keepAliveMs = 0;
        break;
      case 'keep-alive':
        connection.keepAliveMs = Math.min(connection.keepAliveMs, announcedKeepAliveMs(value));
        break;
    }
  }
}

/** A trailer is discarded, but must be a valid header that does not frame a body. Throws MalformedResponse. */
export function checkTrailer(line: string): void {
  const colon = line.indexOf(':');
  const role = colon < 0 ? undefined : headerRole(line.slice(0, colon));
  if (role === undefined || UNSAFE.test(line)) throw new MalformedResponse('a trailer is not a valid header');
  if (role === 'content-length' || role === 'transfer-encoding')
    throw new MalformedResponse('a trailer frames the body');
}

function parseLength(value: string, { length }: ConnectionHeaders): number {
  if (length !== undefined) throw new MalformedResponse('Content-Length occurs more than once');
  if (!DIGITS.test(value)) throw new MalformedResponse('Content-Length is not a number of at most 15 digits');
  return Number(value);
}

function applyTransferEncoding(value: string, connection: ConnectionHeaders): void {
  if (connection.chunked) throw new MalformedResponse('Transfer-Encoding occurs more than once');
  if (value.toLowerCase() !== 'chunked') throw new MalformedResponse('Transfer-Encoding is not chunked');
  connection.chunked = true;
}

const CHUNKED: Framing = { kind: 'chunked' };
const UNTIL_CLOSE: Framing = { kind: 'until-close' };
const EMPTY: Framing = { kind: 'length', bytes: 0 };

function framingOf(status: number, { chunked, length }: ConnectionHeaders): Framing {
  if (chunked && length !== undefined)
    throw new MalformedResponse('the response has both Content-Length and Transfer-Encoding');
  if (status < 200 || status === 204 || status === 304) return EMPTY;
  if (chunked) return CHUNKED;
  return length === undefined ? UNTIL_CLOSE : { kind: 'length', bytes: length };
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\r\n', from);
  return end < 0 ? text.length : end;
}

/** Strips spaces and tabs only. `String.trim` also strips bytes that are part of a UTF-8 character. */
function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** The last value of Keep-Alive, because a task always sends the same one. */
let lastKeepAlive = '';
let lastKeepAliveMs = KEEP_ALIVE_MS;

/** @returns how long an idle connection stays open at least, by `Keep-Alive: timeout=<seconds>` */
function announcedKeepAliveMs(value: string): number {
  if (value === lastKeepAlive) return lastKeepAliveMs;
  const seconds = KEEP_ALIVE_TIMEOUT.exec(value)?.[1];
  lastKeepAlive = value;
  lastKeepAliveMs = seconds === undefined ? KEEP_ALIVE_MS : Math.max(0, Number(seconds) * 1_000 - KEEP_ALIVE_MARGIN_MS);
  return lastKeepAliveMs;
}
