import { describe, expect, test } from '@jest/globals';
import { ResponseParser } from '../../../../../app-plane/gateway/upstream/own/response-parser.ts';
import { bytesOf, OK, read, readWith } from './read-response.ts';

describe('the headers of a response', () => {
  const headersOf = (...lines: string[]): readonly string[] =>
    read(`${OK}${lines.map((line) => `${line}\r\n`).join('')}\r\n`).headers;

  test.each([
    'Connection: x-a',
    'KEEP-ALIVE: timeout=5',
    'Transfer-Encoding: chunked',
    'Trailer: X-A',
    'Upgrade: h2c',
    'Proxy-Authenticate: Basic',
    'Proxy-Connection: keep-alive',
    'proxy-anything: x',
    'X-Tierplane-Tenant: globex001',
    'x-tierplane-anything: x',
    'X-Request-ID: of-the-task',
  ])('"%s" is not passed on', (line) => expect(headersOf('A: b', line, 'C: d')).toEqual(['A', 'b', 'C', 'd']));

  test('duplicates keep their order and spelling', () => {
    const lines = ['Set-Cookie: a=1', 'Vary: x', 'set-cookie: b=2', 'SET-COOKIE: a=1'];
    expect(headersOf(...lines)).toEqual(lines.flatMap((line) => line.split(': ')));
  });

  test('only spaces and tabs around a value are stripped', () => {
    expect(headersOf('A: \t b c \t', 'B:', 'C: \t', 'D:e:f')).toEqual(['A', 'b c', 'B', '', 'C', '', 'D', 'e:f']);
    const utf8 = Buffer.from('voilà').toString('latin1');
    expect(headersOf(`A: ${utf8}`, `B: \xa0b\xa0`)).toEqual(['A', utf8, 'B', '\xa0b\xa0']);
  });

  test('names of properties that JavaScript objects have are ordinary names', () => {
    const lines = ['constructor: 1', '__proto__: 2', 'hasOwnProperty: 3'];
    expect(headersOf(...lines)).toEqual(lines.flatMap((line) => line.split(': ')));
  });
});

describe('the time that a connection may stay idle', () => {
  test.each([
    ['none of these headers', 'A: b', 4_000],
    ['keep-alive', 'Connection: keep-alive', 4_000],
    ['close', 'Connection: close', 0],
    ['close in capitals', 'Connection: CLOSE', 0],
    ['close in the obsolete header', 'Proxy-Connection: close', 0],
    ['close among others', 'Connection: x-a, close ,x-b', 0],
    ['a name that only contains it', 'Connection: closed, x-close', 4_000],
    ['a timeout above the default', 'Keep-Alive: timeout=65', 4_000],
    ['a timeout of five seconds, which Node sends', 'Keep-Alive: timeout=5', 4_000],
    ['a timeout of three seconds', 'Keep-Alive: max=100, timeout=3', 2_000],
    ['a timeout of one second', 'Keep-Alive: timeout=1', 0],
    ['a timeout of zero', 'Keep-Alive: timeout=0', 0],
    ['a parameter that ends with timeout', 'Keep-Alive: xtimeout=1', 4_000],
    ['a timeout and close', 'Keep-Alive: timeout=3\r\nConnection: close', 0],
    ['close and a timeout', 'Connection: close\r\nKeep-Alive: timeout=3', 0],
  ])('after a response with %s (%j) is %i ms', (_what, lines, expected) => {
    const parser = new ResponseParser();
    for (let response = 0; response < 2; response++) {
      readWith(parser, [bytesOf(`${OK}Content-Length: 0\r\n${lines}\r\n\r\n`)]);
      expect(parser.keepAliveMs).toBe(expected);
    }
  });

  test('is zero after HTTP/1.0, a body that ends with the connection, or a response to HEAD without a length', () => {
    const parser = new ResponseParser();
    readWith(parser, [bytesOf('HTTP/1.0 204 No\r\nConnection: keep-alive\r\n\r\n')]);
    expect(parser.keepAliveMs).toBe(0);
    readWith(parser, [bytesOf(`${OK}\r\n`)]);
    expect(parser.keepAliveMs).toBe(0);
    readWith(parser, [bytesOf(`${OK}\r\n`)], true);
    expect(parser.keepAliveMs).toBe(0);
    readWith(parser, [bytesOf(`${OK}Content-Length: 5\r\n\r\n`)], true);
    expect(parser.keepAliveMs).toBe(4_000);
  });

  test('is decided by each response anew', () => {
    const parser = new ResponseParser();
    const lengths = ['Connection: close', 'A: b', 'Keep-Alive: timeout=2', 'A: b'].map((line) => {
      readWith(parser, [bytesOf(`${OK}Content-Length: 0\r\n${line}\r\n\r\n`)]);
      return parser.keepAliveMs;
    });
    expect(lengths).toEqual([0, 4_000, 1_000, 4_000]);
  });
});
