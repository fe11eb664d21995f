import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MalformedResponse } from '../../../../../app-plane/gateway/upstream/malformed-response.ts';
import { ResponseParser } from '../../../../../app-plane/gateway/upstream/own/response-parser.ts';
import { bytesOf, CHUNKED, cut, eachByte, OK, type Read, read, readWith } from './read-response.ts';

describe('a malformed or ambiguous response', () => {
  const withHead = (...lines: string[]): string => `${OK}${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
  const big = 'x'.repeat(16 * 1024);

  const REFUSED: [what: string, bytes: string][] = [
    ['a length and chunks', withHead('Content-Length: 5', 'Transfer-Encoding: chunked')],
    ['chunks and a length', withHead('Transfer-Encoding: chunked', 'Content-Length: 5')],
    ['two lengths', withHead('Content-Length: 5', 'Content-Length: 6')],
    ['two lengths that are equal', withHead('Content-Length: 5', 'content-length: 5')],
    ['two lengths in one line', withHead('Content-Length: 5, 5')],
    ['a signed length', withHead('Content-Length: +5')],
    ['a negative length', withHead('Content-Length: -5')],
    ['a hexadecimal length', withHead('Content-Length: 0x5')],
    ['an empty length', withHead('Content-Length:')],
    ['a length with a fraction', withHead('Content-Length: 5.0')],
    ['a length with a space in it', withHead('Content-Length: 5 0')],
    ['a length after a no-break space', withHead('Content-Length: \xa05')],
    ['a length beyond what numbers hold', withHead(`Content-Length: ${'9'.repeat(16)}`)],
    ['another transfer-encoding', withHead('Transfer-Encoding: gzip')],
    ['another transfer-encoding before chunked', withHead('Transfer-Encoding: gzip, chunked')],
    ['chunked twice in one line', withHead('Transfer-Encoding: chunked, chunked')],
    ['chunked twice', withHead('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')],
    ['a transfer-encoding that ends with chunked', withHead('Transfer-Encoding: xchunked')],
    ['chunked before a no-break space', withHead('Transfer-Encoding: chunked\xa0')],
    ['chunked before a tab', withHead('Transfer-Encoding: chunked\t')],
    ['chunked after a tab', withHead('Transfer-Encoding:\tchunked')],
    ['an empty transfer-encoding', withHead('Transfer-Encoding:')],
    ['chunks of HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['a header without a colon', withHead('Content-Length')],
    ['a header without a name', withHead(': 5')],
    ['a space before the colon', withHead('Content-Length : 5')],
    ['a space in a name', withHead('Content Length: 5')],
    ['a folded line', withHead('A: b', ' c')],
    ['a folded line with a colon', withHead('A: b', '\tc: d')],
    ['a folded line at the beginning', withHead(' A: b')],
    ['a bare CR', withHead('A: b\rContent-Length: 5')],
    ['a bare CR at the end of a line', withHead('A: b\r')],
    ['a bare LF', withHead('A: b\nContent-Length: 5')],
    ['a bare LF at the end of a line', withHead('A: b\n')],
    ['a NUL', withHead('A: b\0c')],
    ['an escape character', withHead('A: \x1b[0m')],
    ['a DEL', withHead('A: \x7f')],
    ['an empty line before the status line', `\r\n${OK}\r\n`],
    ['a status line that begins with a space', ` ${OK}\r\n`],
    ['another protocol', 'HTTP/2 200 OK\r\n\r\n'],
    ['another version', 'HTTP/1.2 200 OK\r\n\r\n'],
    ['another spelling of the protocol', 'http/1.1 200 OK\r\n\r\n'],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
    ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n'],
    ['a status below a hundred', 'HTTP/1.1 099 OK\r\n\r\n'],
    ['a request', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['status 101 without a request for it', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n'],
    ['a malformed 1xx response before the final one', `HTTP/1.1 100 Continue\r\nA\r\n\r\n${OK}\r\n`],
    ['a 1xx response that closes the connection', `HTTP/1.1 103 Hints\r\nConnection: close\r\n\r\n${OK}\r\n`],
    ['a head beyond 16 KiB', `${OK}A: ${big}\r\n\r\n`],
    ['a head beyond 16 KiB without an end', `${OK}A: ${big}`],
    ['a chunk without a size', `${CHUNKED}\r\n`],
    ['a chunk whose size is not a number', `${CHUNKED}g\r\n`],
    ['a chunk of a signed size', `${CHUNKED}+1\r\na\r\n`],
    ['a chunk of a prefixed size', `${CHUNKED}0x1\r\na\r\n`],
    ['a chunk size with a space before it', `${CHUNKED} 1\r\na\r\n`],
    ['a chunk size of nine digits', `${CHUNKED}000000001\r\na\r\n`],
    ['two chunk sizes', `${CHUNKED}1 2\r\na\r\n`],
    ['a space after a chunk size', `${CHUNKED}1 \r\na\r\n`],
    ['a tab before an extension', `${CHUNKED}1\t;a\r\na\r\n`],
    ['a space in an extension', `${CHUNKED}1;a = b\r\na\r\n`],
    ['an extension without a name', `${CHUNKED}1;\r\na\r\n`],
    ['an extension with an open quote', `${CHUNKED}1;a="b\r\na\r\n`],
    ['a chunk size ended by a bare LF', `${CHUNKED}1\na\r\n`],
    ['a bare LF in the extension of a chunk', `${CHUNKED}1;a\nb\r\na\r\n`],
    ['an extension beyond 1 KiB', `${CHUNKED}1;${'x'.repeat(1_024)}\r\na\r\n`],
    ['an extension beyond 1 KiB without an end', `${CHUNKED}1;${'x'.repeat(1_100)}`],
    ['a chunk longer than its size', `${CHUNKED}1\r\nab\r\n0\r\n\r\n`],
    ['a chunk that ends by a bare LF', `${CHUNKED}1\r\na\n0\r\n\r\n`],
    ['a trailer beyond 1 KiB', `${CHUNKED}0\r\nA: ${'x'.repeat(1_024)}\r\n\r\n`],
    ['a trailer beyond 1 KiB without an end', `${CHUNKED}0\r\nA: ${'x'.repeat(1_100)}`],
    ['trailers beyond 16 KiB', `${CHUNKED}0\r\n${`A: ${'x'.repeat(900)}\r\n`.repeat(20)}\r\n`],
    ['a trailer without a colon', `${CHUNKED}0\r\nab\r\n\r\n`],
    ['a trailer without a name', `${CHUNKED}0\r\n: b\r\n\r\n`],
    ['a folded trailer', `${CHUNKED}0\r\nA: b\r\n c: d\r\n\r\n`],
    ['a control character in a trailer', `${CHUNKED}0\r\nA: \0\r\n\r\n`],
    ['a length in the trailers', `${CHUNKED}0\r\nContent-Length: 1\r\n\r\n`],
    ['a transfer-encoding in the trailers', `${CHUNKED}0\r\nTransfer-Encoding: chunked\r\n\r\n`],
    ['more than 32 trailers', `${CHUNKED}0\r\n${'A: b\r\n'.repeat(33)}\r\n`],
    ['a byte after the body', `${OK}Content-Length: 1\r\n\r\nab`],
    ['a second response after the body', `${OK}Content-Length: 1\r\n\r\na${OK}Content-Length: 1\r\n\r\nb`],
    ['a byte after the last chunk', `${CHUNKED}0\r\n\r\n\r`],
    ['a body after status 204', 'HTTP/1.1 204 No Content\r\nContent-Length: 1\r\n\r\na'],
    ['a body after status 304', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 1\r\n\r\na'],
  ];

  test.each(REFUSED)('with %s is refused in one piece, byte by byte, and split anywhere', (_what, bytes) => {
    expect(() => read(bytes)).toThrow(MalformedResponse);
    expect(() => readWith(new ResponseParser(), eachByte(bytes))).toThrow(MalformedResponse);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 5 }), (places) => {
        expect(() => readWith(new ResponseParser(), cut(bytesOf(bytes), places))).toThrow(MalformedResponse);
      }),
      { numRuns: 20 },
    );
  });

  test('to HEAD with a body is refused', () => {
    expect(() => read(`${OK}Content-Length: 1\r\n\r\na`, true)).toThrow(MalformedResponse);
  });

  test('SE-1: that arrives before the first request or after another response is refused', () => {
    const parser = new ResponseParser();
    expect(() => parser.feed(bytesOf('H'))).toThrow(MalformedResponse);
    readWith(parser, [bytesOf('HTTP/1.1 204 No\r\n\r\n')]);
    expect(() => parser.feed(bytesOf('H'))).toThrow(MalformedResponse);
  });

  test('SE-1: makes the parser throw no other error, and pass on no more than arrived', () => {
    const words = fc.constantFrom(
      OK,
      CHUNKED,
      '\r\n',
      '\n',
      '\r',
      ': ',
      'Content-Length: 3',
      '0',
      '5',
      'a',
      ' ',
      '\0',
      'HTTP/1.1 100 \r\n\r\n',
    );
    fc.assert(
      fc.property(fc.array(words), fc.array(fc.nat(300)), (parts, places) => {
        const bytes = bytesOf(parts.join(''));
        const outcome = (pieces: Buffer[]): Read | undefined => {
          try {
            return readWith(new ResponseParser(), pieces);
          } catch (error) {
            expect(error).toBeInstanceOf(MalformedResponse);
            return undefined;
          }
        };
        const whole = outcome([bytes]);
        expect(outcome(cut(bytes, places))).toEqual(whole);
        expect(whole?.body.length ?? 0).toBeLessThanOrEqual(bytes.length);
      }),
      { numRuns: 500 },
    );
  });

  test('is not one whose parts are exactly as large as the limits', () => {
    const fill = 16 * 1024 - OK.length - 'A: '.length;
    for (const bytes of [
      `${OK}A: ${'x'.repeat(fill)}\r\n\r\n`,
      `${CHUNKED}1;${'x'.repeat(1_022)}\r\na\r\n0\r\n\r\n`,
      `${CHUNKED}0\r\nA: ${'x'.repeat(1_021)}\r\n\r\n`,
      `${CHUNKED}0\r\n${'A: b\r\n'.repeat(32)}\r\n`,
    ]) {
      expect(read(bytes).status).toBe(200);
      expect(readWith(new ResponseParser(), eachByte(bytes)).status).toBe(200);
    }
  });
});
