import { HEX_VALUES, NOT_HEX } from '../../../../core/encoding/hex.ts';
import { MalformedResponse } from '../malformed-response.ts';
import type { ResponseSink } from '../upstream.ts';
import { checkTrailer, parseHead, type ResponseHead } from './response-head.ts';

type State = 'head' | 'body' | 'until-close' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailers' | 'complete';

const MAX_HEAD = 16 * 1024;
/** The size line of a chunk with its extensions, or one trailer. */
const MAX_LINE = 1_024;
const MAX_TRAILERS = 32;
/** All trailers together, as Node limits them. */
const MAX_TRAILER_BYTES = 16 * 1024;
const HEAD_END = Buffer.from('\r\n\r\n');
const LINE_END = Buffer.from('\r\n');
/** Extensions of a chunk are discarded, but must be valid. */
const TOKEN = "[\\w!#$%&'*+.^`|~-]+";
const QUOTED_STRING = '"(?:[\\t !#-\\[\\]-~\\x80-\\xff]|\\\\[\\t -~\\x80-\\xff])*"';
/** RFC 9112, 7.1, without the white space that it tolerates: Node and other parsers refuse it. */
const CHUNK_SIZE = new RegExp(`^([0-9a-f]{1,8})(?:;${TOKEN}(?:=(?:${TOKEN}|${QUOTED_STRING}))?)*$`, 'i');

const MAX_SIZE_DIGITS = 8;
const [RETURN, LINE_FEED] = [0x0d, 0x0a];

/** Reads the responses on one connection, one after the other, as their bytes arrive. Strict: see MalformedResponse. */
export class ResponseParser {
  #sink: ResponseSink | undefined;
  #bodiless = false;
  #state: State = 'complete';
  #keepAliveMs = 0;
  /** Bytes of the body or chunk that have not arrived. */
  #remaining = 0;
  #trailers = 0;
  #trailerBytes = 0;
  /** The beginning of a head or line whose end has not arrived. */
  #partial = '';
  /** The head or line read last. */
  #text: string | undefined;
  /** Data of chunks that arrived with the same bytes, with room for more. */
  #joined: Buffer | undefined;
  #joinedLength = 0;

  /** Expects a response. @param bodiless true for a response to HEAD, which has no body */
  begin(sink: ResponseSink, bodiless: boolean): void {
    this.#sink = sink;
    this.#bodiless = bodiless;
    this.#state = 'head';
    this.#partial = '';
  }

  /** Stops calling the sink, even in the middle of a `feed`. */
  detach(): void {
    this.#sink = undefined;
  }

  /** How long the connection may stay idle and be used again, in milliseconds. 0: it must be closed. */
  get keepAliveMs(): number {
    return this.#keepAliveMs;
  }

  /** Whether the final head has been read. */
  get begun(): boolean {
    return this.#state !== 'head';
  }

  /**
   * Passes on the data of all chunks in `bytes` at once: a task chooses how small its chunks are.
   * @param bytes what arrived; the caller may reuse the memory afterwards
   * @returns whether the response is complete
   * Throws MalformedResponse, also for bytes that arrive when no response is expected.
   */
  feed(bytes: Buffer): boolean {
    let at = 0;
    try {
      while (at < bytes.length) at = this.#step(bytes, at);
    } finally {
      if (this.#joined !== undefined) this.#passJoined(this.#joined);
    }
    return this.#state === 'complete';
  }

  /** The task closed the connection. @returns whether that completes the response */
  end(): boolean {
    if (this.#state !== 'until-close') return false;
    this.#state = 'complete';
    return true;
  }

  /** @returns where to continue */
  #step(bytes: Buffer, at: number): number {
    switch (this.#state) {
      case 'head':
        return this.#readHead(bytes, at);
      case 'body':
        return this.#readBody(bytes, at);
      case 'chunk':
        return this.#readChunk(bytes, at);
      case 'until-close':
        this.#sink?.onData(Buffer.from(bytes.subarray(at)));
        return bytes.length;
      case 'chunk-size':
        return this.#readChunkSize(bytes, at);
      case 'chunk-end':
        return this.#readChunkEnd(bytes, at);
      case 'trailers':
        return this.#readTrailer(bytes, at);
      case 'complete':
        throw new MalformedResponse('bytes follow the end of the response');
    }
  }

  #readHead(bytes: Buffer, at: number): number {
    const next = this.#readUntil(HEAD_END, bytes, at, MAX_HEAD);
    if (this.#text === undefined) return next;
    const head = parseHead(this.#text, this.#bodiless);
    if (head.status === 101)
      throw new MalformedResponse('the task switched protocols, but the gateway did not request it');
    if (head.status >= 200) this.#accept(head);
    // Other 1xx responses precede the final one and are discarded.
    else if (head.keepAliveMs === 0) throw new MalformedResponse('a 1xx response closes the connection');
    return next;
  }

  #accept({ status, headers, framing, keepAliveMs }: ResponseHead): void {
    this.#keepAliveMs = keepAliveMs;
    this.#remaining = framing.kind === 'length' ? framing.bytes : 0;
    if (framing.kind === 'chunked') this.#state = 'chunk-size';
    else if (framing.kind === 'until-close') this.#state = 'until-close';
    else this.#state = this.#remaining > 0 ? 'body' : 'complete';
    this.#sink?.onHead(status, headers);
  }

  #readBody(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#remaining);
    this.#remaining -= end - at;
    if (this.#remaining === 0) this.#state = 'complete';
    this.#sink?.onData(Buffer.from(bytes.subarray(at, end)), this.#state === 'complete');
    return end;
  }

  #readChunk(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#remaining);
    this.#remaining -= end - at;
    if (this.#remaining === 0) this.#state = 'chunk-end';
    if (this.#joined === undefined) this.#joined = Buffer.from(bytes.subarray(at, end));
    else this.#join(this.#joined, bytes, at, end);
    this.#joinedLength += end - at;
    return end;
  }

  #join(joined: Buffer, bytes: Buffer, at: number, end: number): void {
    let target = joined;
    if (this.#joinedLength + end - at > joined.length) {
      // Room for all that is left of `bytes`.
      target = Buffer.allocUnsafe(this.#joinedLength + bytes.length - at);
      joined.copy(target, 0, 0, this.#joinedLength);
      this.#joined = target;
    }
    copyBytes(bytes, at, target, this.#joinedLength, end - at);
  }

  #passJoined(joined: Buffer): void {
    const length = this.#joinedLength;
    this.#joined = undefined;
    this.#joinedLength = 0;
    this.#sink?.onData(length === joined.length ? joined : joined.subarray(0, length));
  }

  #readChunkSize(bytes: Buffer, at: number): number {
    const plain = this.#partial === '' ? this.#readPlainSize(bytes, at) : -1;
    if (plain >= 0) return plain;
    const next = this.#readUntil(LINE_END, bytes, at, MAX_LINE);
    if (this.#text === undefined) return next;
    const digits = CHUNK_SIZE.exec(this.#text)?.[1];
    if (digits === undefined) throw new MalformedResponse('a chunk does not begin with a valid size');
    this.#beginChunk(Number.parseInt(digits, 16));
    return next;
  }

  /** Reads a size line without extensions that has arrived whole, without a text for it. @returns where to continue, or -1 */
  #readPlainSize(bytes: Buffer, start: number): number {
    let size = 0;
    let at = start;
    for (; at < start + MAX_SIZE_DIGITS; at++) {
      const value = HEX_VALUES[bytes[at] ?? 0] as number;
      if (value === NOT_HEX) break;
      size = size * 16 + value;
    }
    if (at === start || bytes[at] !== RETURN || bytes[at + 1] !== LINE_FEED) return -1;
    this.#beginChunk(size);
    return at + 2;
  }

  #beginChunk(size: number): void {
    this.#remaining = size;
    this.#trailers = 0;
    this.#trailerBytes = 0;
    this.#state = size > 0 ? 'chunk' : 'trailers';
  }

  #readChunkEnd(bytes: Buffer, at: number): number {
    if (this.#partial === '' && bytes[at] === RETURN && bytes[at + 1] === LINE_FEED) {
      this.#state = 'chunk-size';
      return at + 2;
    }
    const next = this.#readUntil(LINE_END, bytes, at, 0);
    if (this.#text !== undefined) this.#state = 'chunk-size';
    return next;
  }

  /** Trailers are checked and discarded. */
  #readTrailer(bytes: Buffer, at: number): number {
    const next = this.#readUntil(LINE_END, bytes, at, MAX_LINE);
    if (this.#text === undefined) return next;
    if (this.#text === '') {
      this.#state = 'complete';
      return next;
    }
    checkTrailer(this.#text);
    this.#trailers += 1;
    this.#trailerBytes += this.#text.length;
    if (this.#trailers > MAX_TRAILERS || this.#trailerBytes > MAX_TRAILER_BYTES)
      throw new MalformedResponse(`the response has more than ${MAX_TRAILERS} trailers, or more than 16 KiB of them`);
    return next;
  }

  /** Sets #text to what precedes `mark`, or to undefined if the mark has not arrived. @returns where to continue */
  #readUntil(mark: Buffer, bytes: Buffer, at: number, limit: number): number {
    if (this.#partial === '') {
      const found = bytes.indexOf(mark, at);
      if (found >= 0) {
        if (found - at > limit) throw new MalformedResponse('a head or line is too long');
        this.#text = bytes.toString('latin1', at, found);
        return found + mark.length;
      }
    }
    const before = this.#partial.length;
    // One byte more than the limit allows, and the mark, show whether it is too long.
    const piece = bytes.toString('latin1', at, Math.min(bytes.length, at + limit + mark.length + 1));
    const text = this.#partial + piece;
    const found = text.indexOf(mark === HEAD_END ? '\r\n\r\n' : '\r\n');
    if (found > limit || (found < 0 && text.length > limit + mark.length))
      throw new MalformedResponse('a head or line is too long');
    if (found >= 0) {
      this.#partial = '';
      this.#text = text.slice(0, found);
      return at + found + mark.length - before;
    }
    this.#partial = text;
    this.#text = undefined;
    return bytes.length;
  }
}

/** `Buffer.copy` costs more than a few bytes. */
function copyBytes(from: Buffer, start: number, to: Buffer, at: number, length: number): void {
  if (length > 32) from.copy(to, at, start, start + length);
  else for (let i = 0; i < length; i++) to[at + i] = from[start + i] as number;
}
