import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ResponseParser } from '../../../../../app-plane/gateway/upstream/own/response-parser.ts';
import { bytesOf, CHUNKED, cut, eachByte, OK, type Read, readWith } from './read-response.ts';

describe('a valid response', () => {
  const RESPONSES: [what: string, bytes: string, expected: Read, to: 'GET' | 'HEAD'][] = [
    [
      'with a length',
      `${OK}Content-Type: a/b\r\nContent-Length: 5\r\n\r\nhello`,
      { status: 200, headers: ['Content-Type', 'a/b', 'Content-Length', '5'], body: 'hello', complete: true },
      'GET',
    ],
    [
      'with length 0',
      `HTTP/1.1 404 \r\ncontent-length:0\r\n\r\n`,
      { status: 404, headers: ['content-length', '0'], body: '', complete: true },
      'GET',
    ],
    [
      'without a reason phrase',
      'HTTP/1.1 500\r\ncontent-length: \t 1 \t\r\n\r\nx',
      { status: 500, headers: ['content-length', '1'], body: 'x', complete: true },
      'GET',
    ],
    [
      'in chunks, with sizes in either case, extensions and trailers',
      `${CHUNKED}1\r\na\r\nA;x="y;z"\r\n0123456789\r\n00b;e\r\nbcdefghijkl\r\n0\r\nX-T: 1\r\nX-U: 2\r\n\r\n`,
      { status: 200, headers: [], body: 'a0123456789bcdefghijkl', complete: true },
      'GET',
    ],
    [
      'in chunks that look like heads and ends of chunks',
      `${CHUNKED}7\r\n0\r\n\r\n\r\n\r\n19\r\nHTTP/1.1 200 OK\r\nA: b\r\n\r\n\r\n0\r\n\r\n`,
      { status: 200, headers: [], body: '0\r\n\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n\r\n', complete: true },
      'GET',
    ],
    [
      'in chunks, without content',
      `HTTP/1.1 201 Created\r\nTRANSFER-ENCODING: Chunked\r\n\r\n000\r\n\r\n`,
      { status: 201, headers: [], body: '', complete: true },
      'GET',
    ],
    [
      'that ends when the connection closes',
      `${OK}a: b\r\n\r\nHTTP/1.1 404 No\r\n\r\n`,
      { status: 200, headers: ['a', 'b'], body: 'HTTP/1.1 404 No\r\n\r\n', complete: false },
      'GET',
    ],
    [
      'to HEAD, with a length',
      `${OK}Content-Length: 5\r\n\r\n`,
      { status: 200, headers: ['Content-Length', '5'], body: '', complete: true },
      'HEAD',
    ],
    ['to HEAD, in chunks', CHUNKED, { status: 200, headers: [], body: '', complete: true }, 'HEAD'],
    ['to HEAD, without a length', `${OK}\r\n`, { status: 200, headers: [], body: '', complete: true }, 'HEAD'],
    [
      'with status 204',
      'HTTP/1.1 204 No Content\r\n\r\n',
      { status: 204, headers: [], body: '', complete: true },
      'GET',
    ],
    [
      'with status 304 and the length of a body that is not sent',
      'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: "a"\r\n\r\n',
      { status: 304, headers: ['Content-Length', '5', 'ETag', '"a"'], body: '', complete: true },
      'GET',
    ],
    [
      'after two 1xx responses',
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\nContent-Length: 9\r\n\r\n${OK}Content-Length: 1\r\n\r\nx`,
      { status: 200, headers: ['Content-Length', '1'], body: 'x', complete: true },
      'GET',
    ],
    [
      'of HTTP/1.0',
      'HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx',
      { status: 200, headers: ['Content-Length', '1'], body: 'x', complete: true },
      'GET',
    ],
  ];

  test.each(RESPONSES)(
    '%s is read in one piece, byte by byte, and split at every byte',
    (_what, bytes, expected, to) => {
      const bodiless = to === 'HEAD';
      const parser = new ResponseParser();
      expect(readWith(parser, [bytesOf(bytes)], bodiless)).toEqual(expected);
      if (expected.complete) expect(readWith(parser, eachByte(bytes), bodiless)).toEqual(expected);
      expect(readWith(new ResponseParser(), eachByte(bytes), bodiless)).toEqual(expected);
      for (let place = 0; place <= bytes.length; place++) {
        expect(readWith(new ResponseParser(), cut(bytesOf(bytes), [place]), bodiless)).toEqual(expected);
      }
    },
  );

  test('is complete at the end of the connection only if its body has no other end', () => {
    const parser = new ResponseParser();
    readWith(parser, [bytesOf(`${OK}\r\nhal`)]);
    expect(parser.end()).toBe(true);
    for (const part of [
      '',
      'HTTP/1.1 2',
      `${OK}\r`,
      `${OK}Content-Length: 2\r\n\r\nh`,
      `${CHUNKED}1\r\n`,
      `${CHUNKED}1\r\na\r\n0\r\n`,
    ]) {
      const cutShort = new ResponseParser();
      expect(readWith(cutShort, [bytesOf(part)]).complete).toBe(false);
      expect(cutShort.end()).toBe(false);
    }
    expect(new ResponseParser().end()).toBe(false);
  });

  test('SE-1: among several is read as sent, whatever its content and however it is split', () => {
    const bodies = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      // Parts of a body that look like a line, a head or the end of a chunk.
      fc
        .array(fc.constantFrom('\r', '\n', '\r\n', '0\r\n\r\n', 'HTTP/1.1 200 OK\r\n\r\n', '5;', 'a: b'))
        .map((parts) => bytesOf(parts.join(''))),
    );
    const values = fc.stringMatching(/^[!-~\x80-\xff]([ \t!-~\x80-\xff]{0,20}[!-~\x80-\xff])?$/);
    const responses = fc.record({
      status: fc.integer({ min: 200, max: 999 }).filter((status) => status !== 204 && status !== 304),
      headers: fc.array(fc.tuple(fc.constantFrom('Set-Cookie', 'x-a', 'constructor', '__proto__'), values), {
        maxLength: 4,
      }),
      pieces: fc.array(bodies, { maxLength: 4 }),
      chunked: fc.boolean(),
      informational: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(responses, { minLength: 1, maxLength: 3 }), fc.array(fc.nat(2_000)), (all, places) => {
        const parser = new ResponseParser();
        for (const { status, headers, pieces, chunked, informational } of all) {
          const body = Buffer.concat(pieces);
          const chunks = pieces
            .filter(({ length }) => length > 0)
            .map((piece) => `${piece.length.toString(16)}\r\n${piece.toString('latin1')}\r\n`);
          const length = String(body.length);
          const lines = [...headers, chunked ? ['Transfer-Encoding', 'chunked'] : ['Content-Length', length]];
          const head = `HTTP/1.1 ${status} Fine\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
          const wire = `${informational ? 'HTTP/1.1 102 Soon\r\n\r\n' : ''}${head}${chunked ? `${chunks.join('')}0\r\n\r\n` : body.toString('latin1')}`;
          expect(readWith(parser, cut(bytesOf(wire), places))).toEqual({
            status,
            headers: [...headers.flat(), ...(chunked ? [] : ['Content-Length', length])],
            body: body.toString('latin1'),
            complete: true,
          });
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('small chunks', () => {
  const chunked = (sizes: readonly number[]): { bytes: Buffer; body: string } => {
    const texts = sizes.map((size, i) => String.fromCharCode(97 + (i % 26)).repeat(size));
    const chunks = texts.map((text) => `${text.length.toString(16)}\r\n${text}\r\n`);
    return { bytes: bytesOf(`${CHUNKED}${chunks.join('')}0\r\n\r\n`), body: texts.join('') };
  };

  test.each([
    ['one byte', Array<number>(10_000).fill(1)],
    ['one and forty bytes', Array.from({ length: 1_500 }, (_, i) => (i % 2 === 0 ? 1 : 40))],
    ['growing sizes', Array.from({ length: 300 }, (_, i) => i + 1)],
  ])('of %s are passed on at once, as far as they arrive together', (_what, sizes) => {
    const { bytes, body } = chunked(sizes);
    for (const size of [bytes.length, 4_096, 7]) {
      const parser = new ResponseParser();
      const pieces: string[] = [];
      const sink = { onHead: () => undefined, onData: (data: Buffer) => void pieces.push(data.toString()) };
      parser.begin(sink, false);
      let complete = false;
      const memory = Buffer.alloc(size);
      for (let at = 0; at < bytes.length; at += size) {
        // The connection reads into the same memory every time.
        const length = bytes.copy(memory, 0, at, at + size);
        const before = pieces.length;
        complete = parser.feed(memory.subarray(0, length));
        expect(pieces.length - before).toBeLessThanOrEqual(1);
      }
      expect([complete, pieces.join('')]).toEqual([true, body]);
    }
  });

  test('are passed on before what is malformed', () => {
    const parser = new ResponseParser();
    const pieces: string[] = [];
    parser.begin({ onHead: () => undefined, onData: (data) => void pieces.push(data.toString()) }, false);
    expect(() => parser.feed(bytesOf(`${CHUNKED}1\r\na\r\n1\r\nb\r\nx\r\n`))).toThrow('valid size');
    expect(pieces).toEqual(['ab']);
  });
});
