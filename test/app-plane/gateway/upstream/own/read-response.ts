import { ResponseParser } from '../../../../../app-plane/gateway/upstream/own/response-parser.ts';

/** A response as the parser's sink received it. */
export interface Read {
  readonly status: number | undefined;
  readonly headers: readonly string[];
  readonly body: string;
  readonly complete: boolean;
}

/** Each piece arrives in the same memory, which is overwritten afterwards, so the parser must copy what it keeps. */
function feedAll(parser: ResponseParser, pieces: readonly Buffer[]): boolean {
  const scratch = Buffer.alloc(Math.max(1, ...pieces.map(({ length }) => length)));
  let complete = false;
  for (const piece of pieces) {
    piece.copy(scratch);
    complete = parser.feed(scratch.subarray(0, piece.length));
    scratch.fill('!');
  }
  return complete;
}

/** Reads one response that arrives in these pieces. */
export function readWith(parser: ResponseParser, pieces: readonly Buffer[], bodiless = false): Read {
  let status: number | undefined;
  let headers: readonly string[] = [];
  const body: Buffer[] = [];
  const sink = {
    onHead(code: number, list: string[]) {
      if (status !== undefined) throw new Error('a second head');
      status = code;
      headers = list;
    },
    onData(piece: Buffer) {
      if (status === undefined) throw new Error('data before the head');
      body.push(piece);
    },
  };
  parser.begin(sink, bodiless);
  const complete = feedAll(parser, pieces);
  return { status, headers, body: Buffer.concat(body).toString('latin1'), complete };
}

export const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');
export const eachByte = (text: string): Buffer[] => Array.from(bytesOf(text), (byte) => Buffer.of(byte));
export const read = (text: string, bodiless = false): Read => readWith(new ResponseParser(), [bytesOf(text)], bodiless);

/** Splits `bytes` at the places, which may be in any order and beyond the end. */
export function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const cuts = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return cuts.slice(1).map((end, i) => bytes.subarray(cuts[i], end));
}

export const OK = 'HTTP/1.1 200 OK\r\n';
export const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;
