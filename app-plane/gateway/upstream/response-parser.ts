import { type AnswerHead, MalformedAnswer, parseHead } from './response-head.ts';

/** Is told of an answer's parts in their order: one head, then data. */
export interface AnswerSink {
  onHead(status: number, headers: string[]): void;
  /** A piece of the body, the sink's own to keep. */
  onData(piece: Buffer): void;
}

type State = 'head' | 'body' | 'until-close' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailers' | 'complete';

const MAX_HEAD = 16 * 1024;
/** A chunk's size and its extensions, or one line of the trailers. */
const MAX_LINE = 1_024;
const MAX_TRAILERS = 32;
const HEAD_END = Buffer.from('\r\n\r\n');
const LINE_END = Buffer.from('\r\n');
const CHUNK_SIZE = /^([0-9a-f]{1,8})[ \t]*(?:;[^\r\n]*)?$/i;

/** Reads the answers of one connection, one after the other, as their bytes come. Strict: see MalformedAnswer. */
export class AnswerParser {
  #sink: AnswerSink | undefined;
  #bodiless = false;
  #state: State = 'complete';
  #keepAliveMs = 0;
  /** Bytes of body or chunk still to come. */
  #left = 0;
  #trailers = 0;
  /** What has come of a head or line whose end has not. */
  #partial = '';
  /** The head or line that was read last. */
  #text: string | undefined;

  /** An answer is to come. @param bodiless it has no body, as one to HEAD */
  begin(sink: AnswerSink, bodiless: boolean): void {
    this.#sink = sink;
    this.#bodiless = bodiless;
    this.#state = 'head';
    this.#partial = '';
  }

  /** Nobody is told anything any more, be it in the middle of a `feed`. */
  forget(): void {
    this.#sink = undefined;
  }

  /** For how long the connection may be used again after this answer, in ms; 0: not at all. */
  get keepAliveMs(): number {
    return this.#keepAliveMs;
  }

  /** Whether anything of the answer's final head has come. */
  get begun(): boolean {
    return this.#state !== 'head';
  }

  /**
   * @param bytes what came; may be used for something else afterwards
   * @returns whether the answer is complete
   * Throws MalformedAnswer; also for bytes that nobody asked for.
   */
  feed(bytes: Buffer): boolean {
    let at = 0;
    while (at < bytes.length) at = this.#step(bytes, at);
    return this.#state === 'complete';
  }

  /** The connection was ended from the other side. @returns whether that completes the answer */
  end(): boolean {
    if (this.#state !== 'until-close') return false;
    this.#state = 'complete';
    return true;
  }

  #step(bytes: Buffer, at: number): number {
    switch (this.#state) {
      case 'head':
        return this.#readHead(bytes, at);
      case 'body':
      case 'chunk':
        return this.#readCounted(bytes, at);
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
        throw new MalformedAnswer('bytes after the end of an answer');
    }
  }

  #readHead(bytes: Buffer, at: number): number {
    const next = this.#readUntil(HEAD_END, bytes, at, MAX_HEAD);
    if (this.#text === undefined) return next;
    const head = parseHead(this.#text, this.#bodiless);
    if (head.status === 101) throw new MalformedAnswer('nobody asked for another protocol');
    // Others of the hundreds are news on the way to the answer.
    if (head.status >= 200) this.#accept(head);
    return next;
  }

  #accept({ status, headers, framing, keepAliveMs }: AnswerHead): void {
    this.#keepAliveMs = keepAliveMs;
    this.#left = framing.kind === 'length' ? framing.bytes : 0;
    if (framing.kind === 'chunked') this.#state = 'chunk-size';
    else if (framing.kind === 'until-close') this.#state = 'until-close';
    else this.#state = this.#left > 0 ? 'body' : 'complete';
    this.#sink?.onHead(status, headers);
  }

  #readCounted(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#left);
    this.#left -= end - at;
    if (this.#left === 0) this.#state = this.#state === 'chunk' ? 'chunk-end' : 'complete';
    this.#sink?.onData(Buffer.from(bytes.subarray(at, end)));
    return end;
  }

  #readChunkSize(bytes: Buffer, at: number): number {
    const next = this.#readUntil(LINE_END, bytes, at, MAX_LINE);
    if (this.#text === undefined) return next;
    const digits = CHUNK_SIZE.exec(this.#text)?.[1];
    if (digits === undefined) throw new MalformedAnswer('a chunk must begin with its size');
    this.#left = Number.parseInt(digits, 16);
    this.#trailers = 0;
    this.#state = this.#left > 0 ? 'chunk' : 'trailers';
    return next;
  }

  #readChunkEnd(bytes: Buffer, at: number): number {
    const next = this.#readUntil(LINE_END, bytes, at, 0);
    if (this.#text !== undefined) this.#state = 'chunk-size';
    return next;
  }

  /** Trailers are read and forgotten. */
  #readTrailer(bytes: Buffer, at: number): number {
    const next = this.#readUntil(LINE_END, bytes, at, MAX_LINE);
    if (this.#text === '') this.#state = 'complete';
    else if (this.#text !== undefined && ++this.#trailers > MAX_TRAILERS)
      throw new MalformedAnswer('too many trailers');
    return next;
  }

  /** Leaves what stands before `mark` in #text, or undefined if the mark has not come yet. @returns where to go on */
  #readUntil(mark: Buffer, bytes: Buffer, at: number, most: number): number {
    if (this.#partial === '') {
      const found = bytes.indexOf(mark, at);
      if (found >= 0) {
        if (found - at > most) throw new MalformedAnswer('a head or line is too long');
        this.#text = bytes.toString('latin1', at, found);
        return found + mark.length;
      }
    }
    const before = this.#partial.length;
    // One byte more than may come before the mark, and the mark, tell whether it is too long.
    const piece = bytes.toString('latin1', at, Math.min(bytes.length, at + most + mark.length + 1));
    const text = this.#partial + piece;
    const found = text.indexOf(mark === HEAD_END ? '\r\n\r\n' : '\r\n');
    if (found > most || (found < 0 && text.length > most + mark.length))
      throw new MalformedAnswer('a head or line is too long');
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
