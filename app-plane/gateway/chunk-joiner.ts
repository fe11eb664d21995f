import { HEX_VALUES, NOT_HEX } from '../../core/encoding/hex.ts';

/** What the next byte of a chunked body belongs to (RFC 9112, 7.1). Numbers, because this is looked at for each byte. */
const Part = {
  /** The first digit of a size. */
  Size: 0,
  /** Further digits, an extension, or the end of the line. */
  SizeRest: 1,
  Extension: 2,
  SizeEnd: 3,
  Data: 4,
  DataReturn: 5,
  DataEnd: 6,
  /** Behind the line of the last chunk. */
  Trailers: 7,
  Malformed: 8,
} as const;
type Part = (typeof Part)[keyof typeof Part];

const [TAB, LINE_FEED, RETURN, SPACE, SEMICOLON, DELETE] = [0x09, 0x0a, 0x0d, 0x20, 0x3b, 0x7f];
/** The largest size of a chunk is a safe integer. */
const MAX_SIZE_DIGITS = 13;
/** Of all chunks of a body together, in bytes. The gateway ignores extensions. */
const MAX_EXTENSIONS = 16 * 1024;
/** Node's parser refuses it as the size of a chunk. */
const MALFORMED = Buffer.from('malformed\r\n');
const LAST_CHUNK = Buffer.from('0\r\n');

/**
 * Joins the chunks of one chunked body, one read of the connection at a time. Node calls JavaScript for each chunk, some 2 µs,
 * and a client chooses how small its chunks are. Here a byte costs a few nanoseconds, whatever the size of its chunk.
 */
export class ChunkJoiner {
  #part: Part = Part.Size;
  /** The chunk's size as its line says it; then how much of it has not arrived. In bytes. */
  #size = 0;
  #digits = 0;
  #extensions = 0;

  /**
   * @param input the next bytes of the body, and what follows it
   * @returns the data in one chunk; from the trailers on, `input` as it is; in place of what is malformed, a chunk that Node's
   * parser refuses. Empty if no data has arrived.
   */
  join(input: Buffer): Buffer {
    if (this.#part === Part.Trailers) return input;
    const data = Buffer.allocUnsafe(input.length);
    let length = 0;
    let at = 0;
    while (at < input.length && this.#part < Part.Trailers) {
      if (this.#part !== Part.Data) {
        at = this.#readFraming(input, at);
        continue;
      }
      const taken = Math.min(this.#size, input.length - at);
      copy(input, at, data, length, taken);
      at += taken;
      length += taken;
      this.#size -= taken;
      if (this.#size === 0) this.#part = Part.DataReturn;
    }
    const pieces = length === 0 ? [] : [`${length.toString(16)}\r\n`, data.subarray(0, length), '\r\n'];
    return Buffer.concat([...pieces.map((piece) => Buffer.from(piece)), ...this.#end(input.subarray(at))]);
  }

  #end(rest: Buffer): Buffer[] {
    if (this.#part === Part.Trailers) return [LAST_CHUNK, rest];
    return this.#part === Part.Malformed ? [MALFORMED] : [];
  }

  /**
   * Reads the end of one chunk and the line of the next. Local variables, because every byte counts here.
   * @returns where data begins, or the body ends
   */
  #readFraming(input: Buffer, start: number): number {
    let [part, size, digits, at] = [this.#part, this.#size, this.#digits, start];
    for (; at < input.length && part !== Part.Data && part < Part.Trailers; at++) {
      const byte = input[at] as number;
      const value = HEX_VALUES[byte] as number;
      if (part === Part.DataReturn) part = byte === RETURN ? Part.DataEnd : Part.Malformed;
      else if (part === Part.DataEnd) part = byte === LINE_FEED ? Part.Size : Part.Malformed;
      else if (part === Part.SizeEnd) part = afterLine(byte, size);
      else if (part !== Part.Size && byte === RETURN) part = Part.SizeEnd;
      else if (part === Part.Extension || (part === Part.SizeRest && byte === SEMICOLON)) part = this.#extension(byte);
      else if (value === NOT_HEX || (part === Part.SizeRest && digits >= MAX_SIZE_DIGITS)) part = Part.Malformed;
      else {
        size = part === Part.Size ? value : size * 16 + value;
        digits = part === Part.Size ? 1 : digits + 1;
        part = Part.SizeRest;
      }
    }
    [this.#part, this.#size, this.#digits] = [part, size, digits];
    return at;
  }

  #extension(byte: number): Part {
    this.#extensions += 1;
    const isText = byte === TAB || (byte >= SPACE && byte !== DELETE);
    return isText && this.#extensions <= MAX_EXTENSIONS ? Part.Extension : Part.Malformed;
  }
}

function afterLine(byte: number, size: number): Part {
  if (byte !== LINE_FEED) return Part.Malformed;
  return size === 0 ? Part.Trailers : Part.Data;
}

/** `Buffer.copy` costs more than a few bytes. */
function copy(from: Buffer, start: number, to: Buffer, at: number, length: number): void {
  if (length > 32) from.copy(to, at, start, start + length);
  else for (let i = 0; i < length; i++) to[at + i] = from[start + i] as number;
}
